#include "cairn_train/data/colour.h"

#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>

namespace cairn::data {
namespace {

// Hue 0–360, saturation 0–1, value 0–255, and back to 8 bits.
template <typename Change>
void change_hsv(image::Image& photo, const Change& change) {
  cv::Mat pixels(photo.height, photo.width, CV_8UC3, photo.pixels.data());
  cv::Mat colours;
  pixels.convertTo(colours, CV_32FC3);
  cv::cvtColor(colours, colours, cv::COLOR_RGB2HSV);
  colours.forEach<cv::Vec3f>([&](cv::Vec3f& pixel, const int*) { change(pixel); });
  cv::cvtColor(colours, colours, cv::COLOR_HSV2RGB);
  colours.convertTo(pixels, CV_8UC3);
}

void scale_levels(image::Image& photo, double gain, double offset) {
  cv::Mat pixels(photo.height, photo.width, CV_8UC3, photo.pixels.data());
  pixels.convertTo(pixels, CV_8UC3, gain, offset);
}

float turned(float hue, double degrees) {
  hue += static_cast<float>(degrees);
  if (hue >= 360) hue -= 360;
  return hue < 0 ? hue + 360 : hue;
}

}  // namespace

void turn_hue(image::Image& photo, double degrees) {
  change_hsv(photo, [degrees](cv::Vec3f& pixel) { pixel[0] = turned(pixel[0], degrees); });
}

void distort_colours(image::Image& photo, double strength, Rng& random) {
  constexpr double kLevels = 32;
  constexpr double kDegrees = 18;
  const auto change = [&](double largest) {
    const double drawn = random.uniform(-largest, largest) * strength;
    return random.chance(0.5) ? drawn : 0.0;
  };
  const double brightness = change(kLevels);
  const double contrast = 1 + change(0.5);
  const bool contrast_first = random.chance(0.5);
  const double saturation = 1 + change(0.5);
  const double hue = change(kDegrees);
  std::vector<int> channels = {0, 1, 2};
  if (random.chance(0.5) && strength >= 1) random.shuffle(channels);
  scale_levels(photo, contrast_first ? contrast : 1, brightness * (contrast_first ? contrast : 1));
  if (saturation != 1 || hue != 0) {
    change_hsv(photo, [&](cv::Vec3f& pixel) {
      pixel[0] = turned(pixel[0], hue);
      pixel[1] = std::min(1.0F, pixel[1] * static_cast<float>(saturation));
    });
  }
  if (!contrast_first) scale_levels(photo, contrast, 0);
  for (size_t i = 0; i < photo.pixels.size(); i += 3) {
    const std::array<uint8_t, 3> pixel = {photo.pixels[i], photo.pixels[i + 1],
                                          photo.pixels[i + 2]};
    for (size_t c = 0; c < 3; ++c) photo.pixels[i + c] = pixel[static_cast<size_t>(channels[c])];
  }
}

}  // namespace cairn::data
