// HEIC (and AVIF) by libheif.
#include <libheif/heif.h>

#include <cstring>
#include <exception>
#include <memory>
#include <utility>

#include "cairn/image/codecs.h"

namespace cairn::image {
namespace {

using Context = std::unique_ptr<heif_context, decltype(&heif_context_free)>;
using Handle = std::unique_ptr<heif_image_handle, decltype(&heif_image_handle_release)>;
using Options = std::unique_ptr<heif_decoding_options, decltype(&heif_decoding_options_free)>;
using Pixels = std::unique_ptr<heif_image, decltype(&heif_image_release)>;

// Reports libheif's error as ours.
void check(const heif_error& error) {
  if (error.code != heif_error_Ok) {
    throw Error(std::string("broken HEIC: ") + (error.message ? error.message : "unknown error"));
  }
}

void check_size(int width, int height, const DecodeOptions& options) {
  if (width < 0 || height < 0) throw Error("broken HEIC: unreadable size");
  const std::string problem =
      size_problem(static_cast<uint64_t>(width), static_cast<uint64_t>(height), options);
  if (!problem.empty()) throw Error(problem);
}

Handle primary_photo(const Context& context, std::span<const uint8_t> bytes) {
  // Photos are decoded in parallel already, one a thread.
  heif_context_set_max_decoding_threads(context.get(), 0);
  check(heif_context_read_from_memory_without_copy(context.get(), bytes.data(), bytes.size(),
                                                   nullptr));
  heif_image_handle* handle = nullptr;
  check(heif_context_get_primary_image_handle(context.get(), &handle));
  return {handle, &heif_image_handle_release};
}

Image copy_pixels(const heif_image* pixels, const DecodeOptions& options) {
  // The decoded size is the stream's own; the container only announced one.
  const int width = heif_image_get_width(pixels, heif_channel_interleaved);
  const int height = heif_image_get_height(pixels, heif_channel_interleaved);
  check_size(width, height, options);
  int stride = 0;
  const uint8_t* plane = heif_image_get_plane_readonly(pixels, heif_channel_interleaved, &stride);
  if (plane == nullptr || stride < width * 3) throw Error("broken HEIC: no pixels");
  Image image = make_image(static_cast<uint64_t>(width), static_cast<uint64_t>(height));
  const size_t row_bytes = static_cast<size_t>(width) * 3;
  for (int y = 0; y < height; ++y) {
    std::memcpy(image.pixels.data() + static_cast<size_t>(y) * row_bytes,
                plane + static_cast<ptrdiff_t>(y) * stride, row_bytes);
  }
  return image;
}

}  // namespace

Result<Image> decode_heif(std::span<const uint8_t> bytes, const DecodeOptions& options) try {
  const Context context(heif_context_alloc(), &heif_context_free);
  if (!context) throw std::bad_alloc();
  const Handle handle = primary_photo(context, bytes);
  check_size(heif_image_handle_get_width(handle.get()), heif_image_handle_get_height(handle.get()),
             options);
  check_size(heif_image_handle_get_ispe_width(handle.get()),
             heif_image_handle_get_ispe_height(handle.get()), options);

  const Options decoding(heif_decoding_options_alloc(), &heif_decoding_options_free);
  if (!decoding) throw std::bad_alloc();
  decoding->convert_hdr_to_8bit = 1;
  heif_image* decoded = nullptr;
  check(heif_decode_image(handle.get(), &decoded, heif_colorspace_RGB, heif_chroma_interleaved_RGB,
                          decoding.get()));
  const Pixels pixels(decoded, &heif_image_release);
  return copy_pixels(decoded, options);
} catch (const Error& error) {
  return Failure{error.what()};
} catch (const std::exception& error) {
  // libheif is C++ behind a C interface, and lets exceptions through.
  return Failure{std::string("broken HEIC: ") + error.what()};
}

}  // namespace cairn::image
