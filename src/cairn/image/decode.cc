#include <opencv2/core.hpp>
#include <string>
#include <string_view>

#include "cairn/base/files.h"
#include "cairn/image/codecs.h"

namespace cairn::image {
namespace {

bool has_text_at(std::span<const uint8_t> bytes, size_t at, std::string_view text) {
  if (bytes.size() < at + text.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (bytes[at + i] != static_cast<uint8_t>(text[i])) return false;
  }
  return true;
}

cv::Mat as_matrix(Image& image) {
  return {image.height, image.width, CV_8UC3, image.pixels.data()};
}

}  // namespace

std::string size_problem(uint64_t width, uint64_t height, const DecodeOptions& options) {
  constexpr uint64_t kMaxSide = INT32_MAX;
  const std::string size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width == 0 || height == 0) return "the photo has no area (" + size + ")";
  if (width > kMaxSide || height > kMaxSide || width > options.max_pixels / height) {
    return size + " are over the limit of " + std::to_string(options.max_pixels);
  }
  return {};
}

Image make_image(uint64_t width, uint64_t height, Image memory) {
  Image image = std::move(memory);
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.pixels.resize(width * height * 3);
  return image;
}

Image apply_orientation(Image image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool sides_swap = orientation >= 5;
  Image upright = make_image(static_cast<uint64_t>(sides_swap ? image.height : image.width),
                             static_cast<uint64_t>(sides_swap ? image.width : image.height));
  cv::Mat from = as_matrix(image);
  cv::Mat to = as_matrix(upright);
  if (sides_swap) cv::transpose(from, to);
  // What is left after the transposition: 0 flips rows, 1 columns, -1 both.
  switch (orientation) {
    case 2:
      cv::flip(from, to, 1);
      break;
    case 3:
      cv::flip(from, to, -1);
      break;
    case 4:
      cv::flip(from, to, 0);
      break;
    case 6:
      cv::flip(to, to, 1);
      break;
    case 7:
      cv::flip(to, to, -1);
      break;
    case 8:
      cv::flip(to, to, 0);
      break;
    default:
      break;
  }
  return upright;
}

Result<Image> decode(std::span<const uint8_t> bytes, const DecodeOptions& options, Image memory) {
  if (bytes.empty()) return Failure{"the file is empty"};
  if (has_text_at(bytes, 0, "\xFF\xD8\xFF")) {
    return decode_jpeg(bytes, options, std::move(memory));
  }
  if (has_text_at(bytes, 0, "\x89PNG\r\n\x1A\n")) return decode_png(bytes, options);
  if (has_text_at(bytes, 0, "RIFF") && has_text_at(bytes, 8, "WEBP")) {
    return decode_webp(bytes, options);
  }
  if (has_text_at(bytes, 4, "ftyp")) return decode_heif(bytes, options);
  return Failure{"not a photo: the content is neither JPEG, PNG, WebP nor HEIC"};
}

Result<Image> read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  Result<std::vector<uint8_t>> bytes = try_read_file(path, kMaxFileBytes);
  if (!bytes) return Failure{bytes.reason()};
  return decode(bytes.value(), options);
}

}  // namespace cairn::image
