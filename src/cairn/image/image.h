// Photos in memory: decoding, resizing, and network input.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "cairn/base/error.h"

namespace cairn::image {

// 8-bit RGB, rows from the top, pixels interleaved: pixels[(y * width + x) * 3 + channel].
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;
};

struct DecodeOptions {
  uint64_t max_pixels = 100'000'000;  // larger photos are a Failure
  bool apply_orientation = true;      // turn the photo as its EXIF orientation says
  // Above 0: a JPEG of twice this on its shorter side, or more, is decoded at a half, a quarter or
  // an eighth of its size, the least that keeps so much. Fewer coefficients are transformed, so it
  // is quicker; the pixels are those of cv2.IMREAD_REDUCED_COLOR_2, _4, _8.
  int min_short_side = 0;
};

// Decodes JPEG, PNG, WebP or HEIC, told apart by content. Grey, CMYK, 16-bit and palette photos
// become 8-bit RGB; alpha is dropped, as cv2.imread does. JPEG pixels are those of cv2.imread
// (libjpeg-turbo, slow integer DCT, fancy upsampling), in RGB order. Anything unreadable is a
// Failure with the reason; nothing throws but bad_alloc. A JPEG's pixels are written into `memory`,
// an image that is no longer needed; whoever decodes one photo after the other saves its pages.
Result<Image> decode(std::span<const uint8_t> bytes, const DecodeOptions& options = {},
                     Image memory = {});

// A photo's file has less than this: 100 MP of 16-bit RGBA are 800 MB uncompressed.
inline constexpr uint64_t kMaxFileBytes = 1'000'000'000;

// Reads and decodes a file.
Result<Image> read_image(const std::filesystem::path& path, const DecodeOptions& options = {});

// cv::resize with INTER_LINEAR: half-pixel centres, no antialiasing, rounded to 8 bits. width,
// height > 0.
Image resize_bilinear(const Image& source, int width, int height);

// The same interpolation of a network input (planes R, G, B, source_side² floats each) to side².
void resize_planes(const float* source, int source_side, int side, float* out);

// JPEG bytes; quality 1–100.
std::vector<uint8_t> encode_jpeg(const Image& image, int quality);

// PNG bytes.
std::vector<uint8_t> encode_png(const Image& image);

// (x - mean) / std per RGB channel, in 0–255 pixel units.
struct Normalisation {
  std::array<float, 3> mean = {0, 0, 0};
  std::array<float, 3> std = {1, 1, 1};
};

// Writes the network input: float, planes R, G, B of height × width each (CHW) to out.
void to_chw(const Image& image, const Normalisation& normalisation, float* out);

// The same of resize_bilinear(image, width, height), without the resized image between.
void resize_to_chw(const Image& image, int width, int height, const Normalisation& normalisation,
                   float* out);

}  // namespace cairn::image
