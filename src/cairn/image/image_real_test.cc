// Real photos against OpenCV.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/image/image.h"
#include "cairn/image/testing/opencv.h"

namespace cairn::image {
namespace {

namespace fs = std::filesystem;

// Every n-th photo below a folder of the shared data, by name.
std::vector<fs::path> some_photos(const std::string& folder, size_t count) {
  std::vector<fs::path> all;
  for (const auto& entry :
       fs::recursive_directory_iterator(cairn::testing::shared_dir() / folder)) {
    if (entry.path().extension() == ".jpg") all.push_back(entry.path());
  }
  std::sort(all.begin(), all.end());
  std::vector<fs::path> some;
  some.reserve(count);
  for (size_t i = 0; i < count; ++i) some.push_back(all[i * all.size() / count]);
  return some;
}

void expect_opencv_pixels(const std::string& folder, size_t count) {
  for (const fs::path& path : some_photos(folder, count)) {
    const Result<Image> image = read_image(path);
    ASSERT_TRUE(image.ok()) << path << ": " << image.reason();
    const cv::Mat reference = cv::imread(path.string(), cv::IMREAD_COLOR);
    EXPECT_LE(testing::difference(image.value(), reference), 1) << path;
    cv::Mat small;
    cv::resize(reference, small, {224, 224}, 0, 0, cv::INTER_LINEAR);
    EXPECT_LE(testing::difference(resize_bilinear(image.value(), 224, 224), small), 1) << path;
  }
}

TEST(RealPhotos, landmarks_have_the_pixels_of_imread_before_and_after_resizing) {
  CAIRN_REQUIRE_SHARED("data/landmarks");
  expect_opencv_pixels("data/landmarks", 100);
}

TEST(RealPhotos, holidays_have_the_pixels_of_imread_before_and_after_resizing) {
  CAIRN_REQUIRE_SHARED("data/holidays");
  expect_opencv_pixels("data/holidays", 40);
}

TEST(RealPhotos, truncated_at_every_tenth_are_failures) {
  CAIRN_REQUIRE_SHARED("data/landmarks");
  for (const fs::path& path : some_photos("data/landmarks", 20)) {
    const std::vector<uint8_t> bytes = read_file(path);
    for (size_t tenth = 0; tenth < 10; ++tenth) {
      EXPECT_FALSE(decode(std::span(bytes).first(bytes.size() * tenth / 10)).ok())
          << path << " at " << tenth << "/10";
    }
  }
}

}  // namespace
}  // namespace cairn::image
