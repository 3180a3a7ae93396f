#include <libheif/heif.h>

#include <algorithm>
#include <memory>

#include "cairn/image/testing/samples.h"

// The encoder library keeps memory of its own; the leak sanitizer asks here what to overlook.
extern "C" const char* __lsan_default_suppressions();   // NOLINT: the sanitizer's name
extern "C" const char* __lsan_default_suppressions() {  // NOLINT
  return "leak:libx265\n";
}

namespace cairn::image::testing {
namespace {

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

Owned<heif_image> as_heif(const Image& photo) {
  heif_image* picture = nullptr;
  heif_image_create(photo.width, photo.height, heif_colorspace_RGB, heif_chroma_interleaved_RGB,
                    &picture);
  heif_image_add_plane(picture, heif_channel_interleaved, photo.width, photo.height, 8);
  int stride = 0;
  uint8_t* plane = heif_image_get_plane(picture, heif_channel_interleaved, &stride);
  const ptrdiff_t row = ptrdiff_t{photo.width} * 3;
  for (int y = 0; y < photo.height; ++y) {
    std::copy_n(photo.pixels.begin() + y * row, row, plane + ptrdiff_t{y} * stride);
  }
  return {picture, [](heif_image* image) { heif_image_release(image); }};
}

}  // namespace

std::vector<uint8_t> write_heic(const Image& photo, int quality, int orientation) {
  const Owned<heif_context> context(heif_context_alloc(), &heif_context_free);
  heif_encoder* raw_encoder = nullptr;
  if (heif_context_get_encoder_for_format(context.get(), heif_compression_HEVC, &raw_encoder)
          .code != heif_error_Ok) {
    return {};
  }
  const Owned<heif_encoder> encoder(raw_encoder, &heif_encoder_release);
  heif_encoder_set_lossy_quality(raw_encoder, quality);
  heif_encoder_set_parameter_string(raw_encoder, "preset", "ultrafast");
  heif_encoder_set_parameter_string(raw_encoder, "x265:pools", "none");
  const Owned<heif_encoding_options> options(heif_encoding_options_alloc(),
                                             &heif_encoding_options_free);
  options->image_orientation = static_cast<heif_orientation>(orientation);
  const Owned<heif_image> picture = as_heif(photo);
  heif_image_handle* handle = nullptr;
  heif_context_encode_image(context.get(), picture.get(), raw_encoder, options.get(), &handle);
  heif_image_handle_release(handle);

  std::vector<uint8_t> bytes;
  heif_writer writer{};
  writer.writer_api_version = 1;
  writer.write = [](heif_context*, const void* data, size_t size, void* to) {
    const auto* begin = static_cast<const uint8_t*>(data);
    static_cast<std::vector<uint8_t>*>(to)->assign(begin, begin + size);
    return heif_error{heif_error_Ok, heif_suberror_Unspecified, ""};
  };
  heif_context_write(context.get(), &writer, &bytes);
  return bytes;
}

}  // namespace cairn::image::testing
