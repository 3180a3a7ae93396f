// Small photos in every format and variety that decode() reads, made with the formats' own
// libraries: for the tests and as seeds of the fuzz targets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/image/image.h"

namespace cairn::image::testing {

// A smooth picture with some noise, so that chroma subsampling and compression have work to do.
Image draw_photo(int width, int height, uint64_t seed);

// An EXIF block (TIFF structure) with the orientation between other fields.
std::vector<uint8_t> exif_block(int orientation, bool big_endian);

enum class JpegColour : uint8_t { kYcc, kRgb, kGrey, kCmyk, kYcck };

struct JpegVariety {
  int quality = 90;
  JpegColour colour = JpegColour::kYcc;
  int horizontal_sampling = 2;  // luma samples per chroma sample
  int vertical_sampling = 2;
  bool progressive = false;
  bool arithmetic = false;
  bool separate_scans = false;  // one baseline scan per component
  int restart_rows = 0;
  int orientation = 0;  // 0: no EXIF
};
std::vector<uint8_t> write_jpeg(const Image& photo, const JpegVariety& variety);

enum class PngColour : uint8_t { kGrey, kGreyAlpha, kPalette, kRgb, kRgba };

struct PngVariety {
  PngColour colour = PngColour::kRgb;
  int bit_depth = 8;
  bool interlaced = false;
  bool transparent_colour = false;  // a tRNS chunk (grey, palette, RGB)
  int orientation = 0;
};
std::vector<uint8_t> write_png(const Image& photo, const PngVariety& variety);

struct WebpVariety {
  bool lossless = false;
  bool alpha = false;
  bool animated = false;
  int orientation = 0;
};
std::vector<uint8_t> write_webp(const Image& photo, const WebpVariety& variety);

// orientation becomes the container's own turning and mirroring. Empty where libheif cannot encode.
std::vector<uint8_t> write_heic(const Image& photo, int quality, int orientation = 1);

// Position of a pixel's red in Image::pixels.
inline size_t offset(const Image& image, int x, int y) {
  return (static_cast<size_t>(y) * static_cast<size_t>(image.width) + static_cast<size_t>(x)) * 3;
}

struct Sample {
  std::string name;  // a file name
  std::vector<uint8_t> bytes;
};

// One sample per variety, at most 64 pixels a side.
std::vector<Sample> all_samples();

}  // namespace cairn::image::testing
