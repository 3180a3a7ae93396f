// Decoding gives OpenCV's pixels.
#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "cairn/base/random.h"
#include "cairn/image/image.h"

namespace cairn::image {
namespace {

TEST(Decode, jpeg_pixels_are_those_of_imread) {
  Rng rng(1);
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(17, 9), std::pair(64, 48)}) {
    Image photo{width, height, {}};
    for (int i = 0; i < width * height * 3; ++i) {
      photo.pixels.push_back(static_cast<uint8_t>(rng.below(256)));
    }
    const std::vector<uint8_t> bytes = encode_jpeg(photo, 90);
    const cv::Mat reference = cv::imdecode(bytes, cv::IMREAD_COLOR);
    const Result<Image> decoded = decode(bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.reason();
    ASSERT_EQ(decoded.value().width, width);
    ASSERT_EQ(decoded.value().height, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const auto& bgr = reference.at<cv::Vec3b>(y, x);
        const uint8_t* rgb = &decoded.value().pixels[static_cast<size_t>((y * width + x) * 3)];
        ASSERT_EQ((std::array{rgb[2], rgb[1], rgb[0]}), (std::array{bgr[0], bgr[1], bgr[2]}));
      }
    }
  }
}

}  // namespace
}  // namespace cairn::image
