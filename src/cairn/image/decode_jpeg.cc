// JPEG by libjpeg-turbo with its default settings, which are those of cv2.imread.
#include <array>
#include <csetjmp>

#include "cairn/image/codecs.h"
#include "cairn/image/exif.h"
#include "cairn/image/libjpeg.h"

namespace cairn::image {
namespace {

// One photo being decompressed. libjpeg reports errors by longjmp, so the methods that call it hold
// no objects with destructors; what must be freed are members.
class JpegDecoder {
 public:
  explicit JpegDecoder(std::span<const uint8_t> bytes) : bytes_(bytes) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = on_error;
    errors_.emit_message = on_message;
    info_.client_data = this;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  // Reads up to the first scan; then width() and height() are known. False: see reason().
  bool read_header() {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.client_data = this;
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_mem_src(&info_, bytes_.data(), static_cast<unsigned long>(bytes_.size()));
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  // Chooses the smallest scale whose shorter side is at least that long; then output_width() and
  // output_height() are known. False: see reason().
  bool choose_scale(int min_short_side) {
    if (setjmp(jump_) != 0) return false;
    const JDIMENSION shorter =
        info_.image_width < info_.image_height ? info_.image_width : info_.image_height;
    const auto least = static_cast<JDIMENSION>(min_short_side);
    info_.scale_num = 1;
    info_.scale_denom = 1;
    while (min_short_side > 0 && info_.scale_denom < 8 &&
           shorter / (2 * info_.scale_denom) >= least) {
      info_.scale_denom *= 2;
    }
    jpeg_calc_output_dimensions(&info_);
    return true;
  }

  // Writes output_width × output_height RGB pixels. False: see reason().
  bool read_pixels(uint8_t* pixels) {
    if (setjmp(jump_) != 0) return false;
    const bool is_cmyk = info_.num_components == 4;
    info_.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    progress_.progress_monitor = on_progress;
    info_.progress = &progress_;
    jpeg_start_decompress(&info_);
    const size_t stride = size_t{info_.output_width} * 3;
    JSAMPARRAY cmyk = nullptr;
    if (is_cmyk) {
      cmyk = (*info_.mem->alloc_sarray)(reinterpret_cast<j_common_ptr>(&info_), JPOOL_IMAGE,
                                        info_.output_width * 4, 1);
    }
    while (info_.output_scanline < info_.output_height) {
      uint8_t* row = pixels + info_.output_scanline * stride;
      if (is_cmyk) {
        jpeg_read_scanlines(&info_, cmyk, 1);
        cmyk_to_rgb(cmyk[0], info_.output_width, row);
      } else {
        std::array<JSAMPROW, 8> rows;
        const JDIMENSION left = info_.output_height - info_.output_scanline;
        const JDIMENSION count = left < rows.size() ? left : JDIMENSION{rows.size()};
        for (JDIMENSION i = 0; i < count; ++i) rows[i] = row + i * stride;
        jpeg_read_scanlines(&info_, rows.data(), count);
      }
    }
    // In one baseline scan, missing pixels are noticed where they are missing. Other files are read
    // to their end before the first row: an end without its marker may lack whole scans.
    if (ran_out_ && (jpeg_has_multiple_scans(&info_) || info_.arith_code)) {
      return fail("truncated: the file ends before the photo does");
    }
    return true;
  }

  uint64_t width() const { return info_.image_width; }
  uint64_t height() const { return info_.image_height; }
  uint64_t output_width() const { return info_.output_width; }
  uint64_t output_height() const { return info_.output_height; }
  const std::string& reason() const { return reason_; }

  int orientation() const {
    for (auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::span<const uint8_t> data(marker->data, marker->data_length);
      if (data.size() > 6 && data[0] == 'E' && data[1] == 'x' && data[2] == 'i' && data[3] == 'f') {
        return exif_orientation(data);
      }
    }
    return 1;
  }

 private:
  static JpegDecoder& self(j_common_ptr info) {
    return *static_cast<JpegDecoder*>(info->client_data);
  }

  bool fail(const char* reason) {
    reason_ = reason;
    return false;
  }

  [[noreturn]] void stop(const char* reason) {
    fail(reason);
    std::longjmp(jump_, 1);
  }

  static void on_error(j_common_ptr info) {
    std::array<char, JMSG_LENGTH_MAX> text;
    info->err->format_message(info, text.data());
    JpegDecoder& decoder = self(info);
    decoder.stop(decoder.ran_out_ ? "truncated: the file ends before the photo does" : text.data());
  }

  // Warnings are the photo's own small faults, which imread also tolerates, but for missing data.
  static void on_message(j_common_ptr info, int level) {
    if (level >= 0) return;
    JpegDecoder& decoder = self(info);
    if (info->err->msg_code == JWRN_JPEG_EOF) decoder.ran_out_ = true;
    if (info->err->msg_code == JWRN_HIT_MARKER && decoder.ran_out_) {
      decoder.stop("truncated: the file ends before the photo does");
    }
  }

  // A small file can hold thousands of scans that each walk over all pixels.
  static void on_progress(j_common_ptr info) {
    constexpr int kMaxScans = 500;
    if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
      self(info).stop("the JPEG has more than 500 scans");
    }
  }

  // Adobe's inverted CMYK (255 is no ink), which is what imread takes every CMYK JPEG for.
  static void cmyk_to_rgb(const uint8_t* cmyk, size_t count, uint8_t* rgb) {
    for (size_t i = 0; i < count; ++i, cmyk += 4, rgb += 3) {
      const int k = cmyk[3];
      for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(k - ((255 - cmyk[c]) * k >> 8));
    }
  }

  std::span<const uint8_t> bytes_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  bool ran_out_ = false;  // libjpeg asked for bytes after the last one
  std::string reason_;
};

}  // namespace

Result<Image> decode_jpeg(std::span<const uint8_t> bytes, const DecodeOptions& options,
                          Image memory) {
  JpegDecoder decoder(bytes);
  if (!decoder.read_header()) return Failure{"broken JPEG: " + decoder.reason()};
  if (std::string problem = size_problem(decoder.width(), decoder.height(), options);
      !problem.empty()) {
    return Failure{std::move(problem)};
  }
  if (!decoder.choose_scale(options.min_short_side)) {
    return Failure{"broken JPEG: " + decoder.reason()};
  }
  Image image = make_image(decoder.output_width(), decoder.output_height(), std::move(memory));
  if (!decoder.read_pixels(image.pixels.data())) {
    return Failure{"broken JPEG: " + decoder.reason()};
  }
  return apply_orientation(std::move(image), options.apply_orientation ? decoder.orientation() : 1);
}

}  // namespace cairn::image
