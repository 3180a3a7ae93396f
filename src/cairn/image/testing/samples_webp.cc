#include <webp/encode.h>
#include <webp/mux.h>

#include "cairn/image/testing/samples.h"

namespace cairn::image::testing {
namespace {

std::vector<uint8_t> encode(const Image& photo, const WebpVariety& variety) {
  std::vector<uint8_t> pixels;
  const int channels = variety.alpha ? 4 : 3;
  for (size_t i = 0; i < photo.pixels.size(); i += 3) {
    pixels.insert(pixels.end(), &photo.pixels[i], &photo.pixels[i] + 3);
    if (variety.alpha) pixels.push_back(static_cast<uint8_t>(i % 251));
  }
  const int stride = photo.width * channels;
  uint8_t* output = nullptr;
  size_t size = 0;
  const int w = photo.width;
  const int h = photo.height;
  if (variety.alpha) {
    size = variety.lossless ? WebPEncodeLosslessRGBA(pixels.data(), w, h, stride, &output)
                            : WebPEncodeRGBA(pixels.data(), w, h, stride, 80, &output);
  } else {
    size = variety.lossless ? WebPEncodeLosslessRGB(pixels.data(), w, h, stride, &output)
                            : WebPEncodeRGB(pixels.data(), w, h, stride, 80, &output);
  }
  std::vector<uint8_t> bytes(output, output + size);
  WebPFree(output);
  return bytes;
}

}  // namespace

std::vector<uint8_t> write_webp(const Image& photo, const WebpVariety& variety) {
  std::vector<uint8_t> bytes = encode(photo, variety);
  if (variety.orientation == 0 && !variety.animated) return bytes;
  const WebPData still{bytes.data(), bytes.size()};
  WebPMux* mux = WebPMuxNew();
  if (variety.animated) {
    WebPMuxFrameInfo frame{};
    frame.bitstream = still;
    frame.duration = 100;
    frame.id = WEBP_CHUNK_ANMF;
    WebPMuxPushFrame(mux, &frame, 1);
    WebPMuxPushFrame(mux, &frame, 1);
    const WebPMuxAnimParams parameters{0xFFFFFFFF, 0};
    WebPMuxSetAnimationParams(mux, &parameters);
  } else {
    WebPMuxSetImage(mux, &still, 1);
  }
  const std::vector<uint8_t> block = exif_block(variety.orientation, false);
  const WebPData exif{block.data(), block.size()};
  if (variety.orientation != 0) WebPMuxSetChunk(mux, "EXIF", &exif, 1);
  WebPData whole{};
  WebPMuxAssemble(mux, &whole);
  std::vector<uint8_t> result(whole.bytes, whole.bytes + whole.size);
  WebPDataClear(&whole);
  WebPMuxDelete(mux);
  return result;
}

}  // namespace cairn::image::testing
