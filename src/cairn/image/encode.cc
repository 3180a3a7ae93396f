#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <string>

#include "cairn/image/image.h"
#include "cairn/image/libjpeg.h"

namespace cairn::image {
namespace {

void check(const Image& image) {
  CAIRN_ASSERT(image.width > 0 && image.height > 0 &&
               image.pixels.size() ==
                   static_cast<size_t>(image.width) * static_cast<size_t>(image.height) * 3);
}

// One photo being compressed; what must be freed are members, because libjpeg leaves by longjmp.
class JpegEncoder {
 public:
  JpegEncoder() {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = on_error;
  }
  ~JpegEncoder() {
    jpeg_destroy_compress(&info_);
    std::free(bytes_);
  }
  JpegEncoder(const JpegEncoder&) = delete;
  JpegEncoder& operator=(const JpegEncoder&) = delete;

  bool run(const Image& image, int quality) {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_compress(&info_);
    info_.client_data = this;
    jpeg_mem_dest(&info_, &bytes_, &size_);
    info_.image_width = static_cast<JDIMENSION>(image.width);
    info_.image_height = static_cast<JDIMENSION>(image.height);
    info_.input_components = 3;
    info_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, std::clamp(quality, 1, 100), TRUE);
    jpeg_start_compress(&info_, TRUE);
    const size_t stride = static_cast<size_t>(image.width) * 3;
    while (info_.next_scanline < info_.image_height) {
      // libjpeg's interface lacks the const; it only reads.
      JSAMPROW row = const_cast<uint8_t*>(image.pixels.data()) + info_.next_scanline * stride;
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  std::vector<uint8_t> bytes() const { return {bytes_, bytes_ + size_}; }
  const std::string& reason() const { return reason_; }

 private:
  static void on_error(j_common_ptr info) {
    std::array<char, JMSG_LENGTH_MAX> text;
    info->err->format_message(info, text.data());
    auto& encoder = *static_cast<JpegEncoder*>(info->client_data);
    encoder.reason_ = text.data();
    std::longjmp(encoder.jump_, 1);
  }

  jpeg_compress_struct info_{};
  jpeg_error_mgr errors_{};
  std::jmp_buf jump_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;
  std::string reason_;
};

}  // namespace

std::vector<uint8_t> encode_jpeg(const Image& image, int quality) {
  check(image);
  JpegEncoder encoder;
  if (!encoder.run(image, quality)) throw Error("cannot write a JPEG: " + encoder.reason());
  return encoder.bytes();
}

std::vector<uint8_t> encode_png(const Image& image) {
  check(image);
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::vector<uint8_t> bytes(size);
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) ==
      0) {
    throw Error(std::string("cannot write a PNG: ") + png.message);
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace cairn::image
