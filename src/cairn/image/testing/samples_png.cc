#include <png.h>

#include "cairn/image/testing/samples.h"

namespace cairn::image::testing {
namespace {

int colour_type(PngColour colour) {
  switch (colour) {
    case PngColour::kGrey:
      return PNG_COLOR_TYPE_GRAY;
    case PngColour::kGreyAlpha:
      return PNG_COLOR_TYPE_GRAY_ALPHA;
    case PngColour::kPalette:
      return PNG_COLOR_TYPE_PALETTE;
    case PngColour::kRgb:
      return PNG_COLOR_TYPE_RGB;
    default:
      return PNG_COLOR_TYPE_RGB_ALPHA;
  }
}

// The samples of a row as PNG stores them, from the photo's channels in turn.
std::vector<uint8_t> stored_row(const Image& photo, int y, const PngVariety& variety) {
  const int channels = variety.colour == PngColour::kRgba        ? 4
                       : variety.colour == PngColour::kRgb       ? 3
                       : variety.colour == PngColour::kGreyAlpha ? 2
                                                                 : 1;
  std::vector<uint8_t> row;
  int filled = 8;  // bits of the last byte
  for (int x = 0; x < photo.width; ++x) {
    for (int c = 0; c < channels; ++c) {
      const uint8_t value = photo.pixels[offset(photo, x, y) + static_cast<size_t>(c % 3)];
      if (variety.bit_depth >= 8) row.push_back(value);
      if (variety.bit_depth == 16) row.push_back(static_cast<uint8_t>(value * 7));
      if (variety.bit_depth >= 8) continue;
      if (filled == 8) {
        row.push_back(0);
        filled = 0;
      }
      filled += variety.bit_depth;
      row.back() |= static_cast<uint8_t>(value >> (8 - variety.bit_depth) << (8 - filled));
    }
  }
  return row;
}

void set_palette(png_structp png, png_infop info, const PngVariety& variety) {
  std::vector<png_color> palette(size_t{1} << variety.bit_depth);
  for (size_t i = 0; i < palette.size(); ++i) {
    palette[i] = {static_cast<png_byte>(i * 37), static_cast<png_byte>(255 - i),
                  static_cast<png_byte>(i * 11 + 5)};
  }
  png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
}

}  // namespace

std::vector<uint8_t> write_png(const Image& photo, const PngVariety& variety) {
  std::vector<uint8_t> bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  const auto append = [](png_structp to, png_bytep data, size_t size) {
    auto& all = *static_cast<std::vector<uint8_t>*>(png_get_io_ptr(to));
    all.insert(all.end(), data, data + size);
  };
  png_set_write_fn(png, &bytes, append, nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(photo.width),
               static_cast<png_uint_32>(photo.height), variety.bit_depth,
               colour_type(variety.colour),
               variety.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (variety.colour == PngColour::kPalette) set_palette(png, info, variety);
  if (variety.transparent_colour) {
    const png_color_16 colour{0, 128, 128, 128, 128};
    const png_byte alpha[] = {0, 100, 200};
    png_set_tRNS(png, info, alpha, 3, &colour);
  }
  std::vector<uint8_t> exif = exif_block(variety.orientation, variety.orientation % 2 == 0);
  if (variety.orientation != 0) {
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()), exif.data());
  }
  png_write_info(png, info);
  std::vector<std::vector<uint8_t>> rows;
  std::vector<png_bytep> pointers;
  rows.reserve(static_cast<size_t>(photo.height));
  pointers.reserve(rows.capacity());
  for (int y = 0; y < photo.height; ++y) rows.push_back(stored_row(photo, y, variety));
  for (auto& row : rows) pointers.push_back(row.data());
  png_set_interlace_handling(png);
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

}  // namespace cairn::image::testing
