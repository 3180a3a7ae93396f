// HEIC (and AVIF) by libheif.
#include <libheif/heif.h>

#include <cstring>
#include <memory>

#include "cairn/image/codecs.h"

namespace cairn::image {
namespace {

using Context = std::unique_ptr<heif_context, decltype(&heif_context_free)>;
using Handle = std::unique_ptr<heif_image_handle, decltype(&heif_image_handle_release)>;
using Options = std::unique_ptr<heif_decoding_options, decltype(&heif_decoding_options_free)>;
using Pixels = std::unique_ptr<heif_image, decltype(&heif_image_release)>;

Failure failure(const heif_error& error) {
  return {std::string("broken HEIC: ") + (error.message != nullptr ? error.message : "unknown")};
}

}  // namespace

Result<Image> decode_heif(std::span<const uint8_t> bytes, const DecodeOptions& options) {
  const Context context(heif_context_alloc(), &heif_context_free);
  if (!context) throw std::bad_alloc();
  // Photos are decoded in parallel already, one a thread.
  heif_context_set_max_decoding_threads(context.get(), 0);
  heif_error error = heif_context_read_from_memory_without_copy(context.get(), bytes.data(),
                                                                bytes.size(), nullptr);
  if (error.code != heif_error_Ok) return failure(error);

  heif_image_handle* raw_handle = nullptr;
  error = heif_context_get_primary_image_handle(context.get(), &raw_handle);
  if (error.code != heif_error_Ok) return failure(error);
  const Handle handle(raw_handle, &heif_image_handle_release);
  for (const auto& [width, height] : {std::pair(heif_image_handle_get_width(raw_handle),
                                                heif_image_handle_get_height(raw_handle)),
                                      std::pair(heif_image_handle_get_ispe_width(raw_handle),
                                                heif_image_handle_get_ispe_height(raw_handle))}) {
    if (width < 0 || height < 0) return Failure{"broken HEIC: unreadable size"};
    if (std::string problem =
            size_problem(static_cast<uint64_t>(width), static_cast<uint64_t>(height), options);
        !problem.empty()) {
      return Failure{std::move(problem)};
    }
  }

  const Options decoding(heif_decoding_options_alloc(), &heif_decoding_options_free);
  if (!decoding) throw std::bad_alloc();
  decoding->convert_hdr_to_8bit = 1;
  heif_image* raw_pixels = nullptr;
  error = heif_decode_image(raw_handle, &raw_pixels, heif_colorspace_RGB,
                            heif_chroma_interleaved_RGB, decoding.get());
  if (error.code != heif_error_Ok) return failure(error);
  const Pixels pixels(raw_pixels, &heif_image_release);

  // The decoded size is the stream's own; the container only announced one.
  const int width = heif_image_get_width(raw_pixels, heif_channel_interleaved);
  const int height = heif_image_get_height(raw_pixels, heif_channel_interleaved);
  int stride = 0;
  const uint8_t* plane =
      heif_image_get_plane_readonly(raw_pixels, heif_channel_interleaved, &stride);
  if (plane == nullptr || width <= 0 || height <= 0 || stride < width * 3) {
    return Failure{"broken HEIC: no pixels"};
  }
  Image image = make_image(static_cast<uint64_t>(width), static_cast<uint64_t>(height));
  const size_t row_bytes = static_cast<size_t>(width) * 3;
  for (int y = 0; y < height; ++y) {
    std::memcpy(image.pixels.data() + static_cast<size_t>(y) * row_bytes,
                plane + static_cast<ptrdiff_t>(y) * stride, row_bytes);
  }
  return image;
}

}  // namespace cairn::image
