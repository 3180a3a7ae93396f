#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "cairn/image/image.h"
#include "cairn/image/testing/opencv.h"
#include "cairn/image/testing/samples.h"

namespace cairn::image {
namespace {

using testing::difference;
using testing::draw_photo;

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

TEST(EncodeJpeg, keeps_more_at_higher_quality) {
  const Image photo = draw_photo(64, 48, 1);
  const std::vector<uint8_t> low = encode_jpeg(photo, 20);
  const std::vector<uint8_t> high = encode_jpeg(photo, 95);
  EXPECT_LT(low.size(), high.size());
  EXPECT_LT(mean_difference(decode(high).value(), photo), 12);
  EXPECT_LT(mean_difference(decode(high).value(), photo),
            mean_difference(decode(low).value(), photo));
}

TEST(EncodeJpeg, gives_the_same_bytes_for_the_same_photo) {
  const Image photo = draw_photo(33, 17, 2);
  EXPECT_EQ(encode_jpeg(photo, 85), encode_jpeg(photo, 85));
}

TEST(EncodePng, is_read_by_opencv_without_loss) {
  const Image photo = draw_photo(33, 17, 3);
  EXPECT_EQ(difference(photo, cv::imdecode(encode_png(photo), cv::IMREAD_COLOR)), 0);
}

}  // namespace
}  // namespace cairn::image
