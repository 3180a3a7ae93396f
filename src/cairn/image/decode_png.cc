// PNG by libpng, with the conversions to 8-bit colour that cv2.imread makes.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <vector>

#include "cairn/image/codecs.h"
#include "cairn/image/exif.h"

namespace cairn::image {
namespace {

// One photo being decompressed. libpng reports errors by longjmp, so the methods that call it hold
// no objects with destructors; what must be freed are members.
class PngDecoder {
 public:
  explicit PngDecoder(std::span<const uint8_t> bytes) : bytes_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png_ == nullptr) throw std::bad_alloc();
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  // Reads up to the pixels; then width() and height() are known. False: see reason().
  bool read_header() {
    if (setjmp(jump_) != 0) return false;
    png_set_read_fn(png_, this, on_read);
    png_read_info(png_, info_);
    return true;
  }

  // Writes width × height RGB pixels and reads on to the end. False: see reason().
  bool read_pixels(uint8_t* pixels) {
    const size_t stride = size_t{width()} * 3;
    rows_.resize(height());
    for (size_t y = 0; y < rows_.size(); ++y) rows_[y] = pixels + y * stride;
    if (setjmp(jump_) != 0) return false;
    const png_byte type = png_get_color_type(png_, info_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if ((type & PNG_COLOR_MASK_COLOR) == 0) {
      png_set_expand_gray_1_2_4_to_8(png_);
      png_set_gray_to_rgb(png_);
    }
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != stride) png_error(png_, "unexpected pixel layout");
    png_read_image(png_, rows_.data());
    png_read_end(png_, info_);
    return true;
  }

  uint32_t width() const { return png_get_image_width(png_, info_); }
  uint32_t height() const { return png_get_image_height(png_, info_); }
  const std::string& reason() const { return reason_; }

  int orientation() {
    png_bytep data = nullptr;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(png_, info_, &size, &data) == 0 || data == nullptr) return 1;
    return exif_orientation({data, size});
  }

 private:
  static void on_error(png_structp png, png_const_charp text) {
    auto& decoder = *static_cast<PngDecoder*>(png_get_error_ptr(png));
    decoder.reason_ = text;
    std::longjmp(decoder.jump_, 1);
  }

  static void on_warning(png_structp, png_const_charp) {}

  static void on_read(png_structp png, png_bytep to, size_t count) {
    auto& decoder = *static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (count > decoder.bytes_.size()) {
      png_error(png, "truncated: the file ends before the photo does");
    }
    std::memcpy(to, decoder.bytes_.data(), count);
    decoder.bytes_ = decoder.bytes_.subspan(count);
  }

  std::span<const uint8_t> bytes_;  // not yet read
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::vector<png_bytep> rows_;
  std::jmp_buf jump_{};
  std::string reason_;
};

}  // namespace

Result<Image> decode_png(std::span<const uint8_t> bytes, const DecodeOptions& options) {
  PngDecoder decoder(bytes);
  if (!decoder.read_header()) return Failure{"broken PNG: " + decoder.reason()};
  if (std::string problem = size_problem(decoder.width(), decoder.height(), options);
      !problem.empty()) {
    return Failure{std::move(problem)};
  }
  Image image = make_image(decoder.width(), decoder.height());
  if (!decoder.read_pixels(image.pixels.data())) {
    return Failure{"broken PNG: " + decoder.reason()};
  }
  return apply_orientation(std::move(image), options.apply_orientation ? decoder.orientation() : 1);
}

}  // namespace cairn::image
