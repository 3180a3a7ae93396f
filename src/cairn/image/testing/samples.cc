#include "cairn/image/testing/samples.h"

#include <algorithm>
#include <cmath>

#include "cairn/base/random.h"

namespace cairn::image::testing {

Image draw_photo(int width, int height, uint64_t seed) {
  Rng rng(seed);
  const double phase = rng.uniform(0, 6);
  Image photo{width, height, {}};
  photo.pixels.reserve(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(phase + c + x * 0.21) * std::cos(phase + y * 0.13 * (c + 1));
        const double value = 128 + 90 * wave + rng.uniform(-30, 30);
        photo.pixels.push_back(static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)));
      }
    }
  }
  return photo;
}

std::vector<uint8_t> exif_block(int orientation, bool big_endian) {
  std::vector<uint8_t> bytes;
  const auto put = [&](uint32_t value, int count) {
    for (int i = 0; i < count; ++i) {
      const int shift = 8 * (big_endian ? count - 1 - i : i);
      bytes.push_back(static_cast<uint8_t>(value >> shift));
    }
  };
  bytes = big_endian ? std::vector<uint8_t>{'M', 'M'} : std::vector<uint8_t>{'I', 'I'};
  put(42, 2);
  put(8, 4);
  put(3, 2);  // entries: ImageWidth, Orientation, YCbCrPositioning
  for (const auto& [tag, value] : {std::pair(0x0100, 64), {0x0112, orientation}, {0x0213, 1}}) {
    put(static_cast<uint32_t>(tag), 2);
    put(3, 2);  // SHORT
    put(1, 4);
    put(static_cast<uint32_t>(value), 2);
    put(0, 2);
  }
  put(0, 4);  // no further directory
  return bytes;
}

namespace {

void add_jpegs(std::vector<Sample>& samples) {
  const Image photo = draw_photo(45, 33, 1);
  const auto add = [&](const std::string& name, const JpegVariety& variety) {
    samples.push_back({"jpeg_" + name + ".jpg", write_jpeg(photo, variety)});
  };
  add("420", {});
  add("422", {.vertical_sampling = 1});
  add("440", {.horizontal_sampling = 1});
  add("444", {.horizontal_sampling = 1, .vertical_sampling = 1});
  add("411", {.horizontal_sampling = 4, .vertical_sampling = 1});
  add("low_quality", {.quality = 5});
  add("rgb", {.colour = JpegColour::kRgb});
  add("grey", {.colour = JpegColour::kGrey});
  add("cmyk", {.colour = JpegColour::kCmyk});
  add("ycck", {.colour = JpegColour::kYcck});
  add("progressive", {.progressive = true});
  add("progressive_grey", {.colour = JpegColour::kGrey, .progressive = true});
  add("arithmetic", {.arithmetic = true});
  add("separate_scans", {.separate_scans = true});
  add("restarts", {.restart_rows = 1});
  for (int orientation = 1; orientation <= 8; ++orientation) {
    add("orientation_" + std::to_string(orientation), {.orientation = orientation});
  }
}

void add_pngs(std::vector<Sample>& samples) {
  const Image photo = draw_photo(37, 29, 2);
  const auto add = [&](const std::string& name, PngVariety variety) {
    for (const bool interlaced : {false, true}) {
      variety.interlaced = interlaced;
      samples.push_back(
          {"png_" + name + (interlaced ? "_interlaced.png" : ".png"), write_png(photo, variety)});
    }
  };
  for (const int depth : {1, 2, 4, 8, 16}) {
    const std::string bits = std::to_string(depth);
    add("grey_" + bits, {.colour = PngColour::kGrey, .bit_depth = depth});
    if (depth <= 8) add("palette_" + bits, {.colour = PngColour::kPalette, .bit_depth = depth});
    if (depth < 8) continue;
    add("grey_alpha_" + bits, {.colour = PngColour::kGreyAlpha, .bit_depth = depth});
    add("rgb_" + bits, {.colour = PngColour::kRgb, .bit_depth = depth});
    add("rgba_" + bits, {.colour = PngColour::kRgba, .bit_depth = depth});
  }
  add("grey_transparent", {.colour = PngColour::kGrey, .transparent_colour = true});
  add("palette_transparent", {.colour = PngColour::kPalette, .transparent_colour = true});
  add("rgb_transparent", {.colour = PngColour::kRgb, .transparent_colour = true});
  for (int orientation = 1; orientation <= 8; ++orientation) {
    add("orientation_" + std::to_string(orientation), {.orientation = orientation});
  }
}

}  // namespace

std::vector<Sample> all_samples() {
  std::vector<Sample> samples;
  add_jpegs(samples);
  add_pngs(samples);
  const Image photo = draw_photo(41, 30, 3);
  samples.push_back({"webp_lossy.webp", write_webp(photo, {})});
  samples.push_back({"webp_lossless.webp", write_webp(photo, {.lossless = true})});
  samples.push_back({"webp_alpha.webp", write_webp(photo, {.alpha = true})});
  samples.push_back(
      {"webp_lossless_alpha.webp", write_webp(photo, {.lossless = true, .alpha = true})});
  samples.push_back({"webp_orientation_6.webp", write_webp(photo, {.orientation = 6})});
  for (const int orientation : {1, 6}) {
    std::vector<uint8_t> bytes = write_heic(draw_photo(64, 48, 4), 60, orientation);
    if (!bytes.empty()) {
      samples.push_back({"heic_" + std::to_string(orientation) + ".heic", std::move(bytes)});
    }
  }
  return samples;
}

}  // namespace cairn::image::testing
