#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "cairn/image/image.h"
#include "cairn/image/testing/opencv.h"
#include "cairn/image/testing/samples.h"

namespace cairn::image {
namespace {

using testing::difference;
using testing::draw_photo;

cv::Mat as_bgr(const Image& image) {
  cv::Mat rgb(image.height, image.width, CV_8UC3, const_cast<uint8_t*>(image.pixels.data()));
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  return bgr;
}

TEST(ResizeBilinear, is_cv_resize_for_shrinking_stretching_and_odd_sizes) {
  for (const auto& [from, to] : {std::pair(cv::Size(800, 600), cv::Size(224, 224)),
                                 {{640, 480}, {320, 240}},
                                 {{37, 91}, {224, 224}},
                                 {{1, 1}, {5, 3}},
                                 {{5, 1000}, {64, 64}},
                                 {{100, 80}, {1, 1}},
                                 {{224, 224}, {224, 224}},
                                 {{1024, 768}, {512, 512}}}) {
    const Image photo = draw_photo(from.width, from.height, 1);
    cv::Mat reference;
    cv::resize(as_bgr(photo), reference, to, 0, 0, cv::INTER_LINEAR);
    EXPECT_LE(difference(resize_bilinear(photo, to.width, to.height), reference), 1)
        << from << " to " << to;
  }
}

// Worked by hand: half-pixel centres, so 4 → 2 averages the middle of pairs, and 2 → 4 gives
// weights 1, 3/4, 1/4, 0.
TEST(ResizeBilinear, samples_at_half_pixel_centres) {
  const auto row = [](std::vector<int> values) {
    Image image{static_cast<int>(values.size()), 1, {}};
    for (const int value : values)
      image.pixels.insert(image.pixels.end(), 3, static_cast<uint8_t>(value));
    return image;
  };
  EXPECT_EQ(resize_bilinear(row({0, 100, 200, 100}), 2, 1).pixels, row({50, 150}).pixels);
  EXPECT_EQ(resize_bilinear(row({0, 100}), 4, 1).pixels, row({0, 25, 75, 100}).pixels);
}

TEST(ToChw, writes_normalised_planes) {
  const Image image{2, 1, {0, 127, 255, 10, 20, 30}};
  std::vector<float> out(6);
  to_chw(image, {{127.5F, 0, 100}, {127.5F, 1, 50}}, out.data());
  EXPECT_FLOAT_EQ(out[0], -1);
  EXPECT_FLOAT_EQ(out[1], (10 - 127.5F) / 127.5F);
  EXPECT_FLOAT_EQ(out[2], 127);
  EXPECT_FLOAT_EQ(out[3], 20);
  EXPECT_FLOAT_EQ(out[4], 3.1F);
  EXPECT_FLOAT_EQ(out[5], -1.4F);
}

}  // namespace
}  // namespace cairn::image
