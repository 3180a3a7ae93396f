// WebP by libwebp; its demultiplexer finds the EXIF chunk.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "cairn/image/codecs.h"
#include "cairn/image/exif.h"

namespace cairn::image {
namespace {

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

int orientation_of(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk{};
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0) {
    orientation = exif_orientation({chunk.chunk.bytes, chunk.chunk.size});
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

}  // namespace

Result<Image> decode_webp(std::span<const uint8_t> bytes, const DecodeOptions& options) {
  WebPBitstreamFeatures features{};
  const VP8StatusCode status = WebPGetFeatures(bytes.data(), bytes.size(), &features);
  if (status == VP8_STATUS_NOT_ENOUGH_DATA) {
    return Failure{"broken WebP: truncated: the file ends before the photo does"};
  }
  if (status != VP8_STATUS_OK) return Failure{"broken WebP: unreadable header"};
  if (features.has_animation != 0) return Failure{"animated WebP: only still photos are read"};
  const auto width = static_cast<uint64_t>(features.width);
  const auto height = static_cast<uint64_t>(features.height);
  if (std::string problem = size_problem(width, height, options); !problem.empty()) {
    return Failure{std::move(problem)};
  }

  const WebPData data{bytes.data(), bytes.size()};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  const Demuxer demuxer(WebPDemuxPartial(&data, &state), &WebPDemuxDelete);
  if (!demuxer || state == WEBP_DEMUX_PARSE_ERROR) {
    return Failure{"broken WebP: malformed container"};
  }
  if (state != WEBP_DEMUX_DONE) {
    return Failure{"broken WebP: truncated: the file ends before the photo does"};
  }
  Image image = make_image(width, height);
  if (WebPDecodeRGBInto(bytes.data(), bytes.size(), image.pixels.data(), image.pixels.size(),
                        image.width * 3) == nullptr) {
    return Failure{"broken WebP: the pixel data cannot be decoded"};
  }
  return apply_orientation(std::move(image),
                           options.apply_orientation ? orientation_of(demuxer.get()) : 1);
}

}  // namespace cairn::image
