// Decoding gives OpenCV's pixels, and knows formats by their content.
#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/image/image.h"
#include "cairn/image/testing/opencv.h"
#include "cairn/image/testing/samples.h"

namespace cairn::image {
namespace {

using testing::all_samples;
using testing::difference;
using testing::draw_photo;
using testing::JpegVariety;
using testing::Sample;

Image decoded(const std::vector<uint8_t>& bytes, const DecodeOptions& options = {}) {
  return decode(bytes, options).value_or_throw("decode");
}

// All samples that OpenCV 4.6 reads as we do: it has no HEIC and leaves WebP's orientation alone.
std::vector<Sample> samples_for_opencv() {
  std::vector<Sample> samples;
  for (Sample& sample : all_samples()) {
    if (!sample.name.starts_with("heic") && !sample.name.starts_with("webp_orientation")) {
      samples.push_back(std::move(sample));
    }
  }
  return samples;
}

class DecodeVariety : public ::testing::TestWithParam<Sample> {};

TEST_P(DecodeVariety, has_the_pixels_of_imread) {
  const cv::Mat reference = cv::imdecode(GetParam().bytes, cv::IMREAD_COLOR);
  const Result<Image> result = decode(GetParam().bytes);
  ASSERT_TRUE(result.ok()) << result.reason();
  EXPECT_EQ(difference(result.value(), reference), 0);
}

TEST_P(DecodeVariety, stays_unturned_when_asked_to) {
  const cv::Mat reference =
      cv::imdecode(GetParam().bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
  EXPECT_EQ(difference(decoded(GetParam().bytes, {.apply_orientation = false}), reference), 0);
}

INSTANTIATE_TEST_SUITE_P(Samples, DecodeVariety, ::testing::ValuesIn(samples_for_opencv()),
                         [](const auto& sample) {
                           return sample.param.name.substr(0, sample.param.name.rfind('.'));
                         });

TEST(Decode, jpeg_of_every_size_has_the_pixels_of_imread) {
  for (int side = 1; side <= 40; ++side) {
    for (const int other : {1, 7, 8, 9, 16, 33}) {
      for (const int sampling : {1, 2}) {
        const JpegVariety variety{.horizontal_sampling = sampling, .vertical_sampling = sampling};
        const auto bytes = testing::write_jpeg(draw_photo(side, other, 5), variety);
        ASSERT_EQ(difference(decoded(bytes), cv::imdecode(bytes, cv::IMREAD_COLOR)), 0)
            << side << " x " << other << " sampling " << sampling;
      }
    }
  }
}

TEST(Decode, large_photos_have_the_pixels_of_imread) {
  const Image photo = draw_photo(801, 603, 6);
  for (const bool progressive : {false, true}) {
    const auto bytes = testing::write_jpeg(photo, {.progressive = progressive});
    EXPECT_EQ(difference(decoded(bytes), cv::imdecode(bytes, cv::IMREAD_COLOR)), 0);
  }
}

TEST(Decode, jpegs_of_twice_the_wanted_side_have_the_pixels_of_a_reduced_imread) {
  const std::vector<std::pair<int, int>> reductions = {
      {0, cv::IMREAD_COLOR},
      {302, cv::IMREAD_COLOR},
      {301, cv::IMREAD_REDUCED_COLOR_2},
      {151, cv::IMREAD_REDUCED_COLOR_2},
      {150, cv::IMREAD_REDUCED_COLOR_4},
      {75, cv::IMREAD_REDUCED_COLOR_8},
      {1, cv::IMREAD_REDUCED_COLOR_8},
  };
  for (const bool progressive : {false, true}) {
    const auto bytes = testing::write_jpeg(draw_photo(801, 603, 6),
                                           {.progressive = progressive, .orientation = 6});
    for (const auto& [side, flag] : reductions) {
      const auto photo = decode(bytes, {.min_short_side = side});
      ASSERT_TRUE(photo) << photo.reason();
      EXPECT_EQ(difference(photo.value(), cv::imdecode(bytes, flag)), 0) << side;
      EXPECT_GE(std::min(photo.value().width, photo.value().height), side);
    }
  }
}

TEST(Decode, every_variety_of_jpeg_can_be_reduced) {
  for (const Sample& sample : samples_for_opencv()) {
    if (!sample.name.ends_with(".jpg")) continue;
    const auto photo = decode(sample.bytes, {.min_short_side = 4});
    ASSERT_TRUE(photo) << sample.name << ": " << photo.reason();
    const Image whole = decoded(sample.bytes);
    int divisor = 1;
    while (divisor < 8 && std::min(whole.width, whole.height) / (2 * divisor) >= 4) divisor *= 2;
    const int flag = divisor == 8   ? cv::IMREAD_REDUCED_COLOR_8
                     : divisor == 4 ? cv::IMREAD_REDUCED_COLOR_4
                     : divisor == 2 ? cv::IMREAD_REDUCED_COLOR_2
                                    : cv::IMREAD_COLOR;
    EXPECT_EQ(difference(photo.value(), cv::imdecode(sample.bytes, flag)), 0) << sample.name;
  }
}

TEST(Decode, pixels_do_not_depend_on_the_memory_they_are_written_to) {
  Image memory;
  for (const Sample& sample : all_samples()) {
    const Image fresh = decoded(sample.bytes);
    Result<Image> again = decode(sample.bytes, {}, std::move(memory));
    ASSERT_TRUE(again) << sample.name;
    EXPECT_EQ(again.value().width, fresh.width) << sample.name;
    EXPECT_EQ(again.value().height, fresh.height) << sample.name;
    EXPECT_EQ(again.value().pixels, fresh.pixels) << sample.name;
    memory = std::move(again.value());
  }
}

TEST(Decode, a_small_jpeg_counts_with_all_its_pixels_against_the_limit) {
  const auto bytes = testing::write_jpeg(draw_photo(64, 64, 6), {});
  EXPECT_FALSE(decode(bytes, {.max_pixels = 4000, .min_short_side = 8}));
  EXPECT_TRUE(decode(bytes, {.max_pixels = 4096, .min_short_side = 8}));
}

// An image with 1 at the top left, 2 at the top right, 3 bottom left, 4 bottom right (in red).
std::vector<int> corners(const Image& image) {
  const auto red = [&](int x, int y) {
    return (image.pixels[testing::offset(image, x, y)] + 32) / 64;
  };
  const int right = image.width - 1;
  const int bottom = image.height - 1;
  return {red(0, 0), red(right, 0), red(0, bottom), red(right, bottom)};
}

Image corner_photo() {
  Image photo{64, 32, {}};
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 64; ++x) {
      photo.pixels.insert(photo.pixels.end(), 3,
                          static_cast<uint8_t>(64 * (1 + (x >= 32) + 2 * (y >= 16)) - 1));
    }
  }
  return photo;
}

// Which stored corner is seen in each corner (EXIF 2.32, tag 274).
const std::vector<std::vector<int>> kUprightCorners = {{1, 2, 3, 4}, {2, 1, 4, 3}, {4, 3, 2, 1},
                                                       {3, 4, 1, 2}, {1, 3, 2, 4}, {3, 1, 4, 2},
                                                       {4, 2, 3, 1}, {2, 4, 1, 3}};

TEST(Decode, turns_every_format_upright) {
  const Image photo = corner_photo();
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const auto& expected = kUprightCorners[static_cast<size_t>(orientation - 1)];
    EXPECT_EQ(corners(decoded(testing::write_jpeg(photo, {.orientation = orientation}))), expected);
    EXPECT_EQ(corners(decoded(testing::write_png(photo, {.orientation = orientation}))), expected);
    EXPECT_EQ(corners(decoded(testing::write_webp(photo, {.orientation = orientation}))), expected);
    EXPECT_EQ(corners(decoded(testing::write_heic(photo, 90, orientation))), expected)
        << orientation;
  }
}

TEST(Decode, webp_with_exif_is_the_same_photo_turned) {
  const Image photo = draw_photo(20, 10, 7);
  const Image turned = decoded(testing::write_webp(photo, {.orientation = 6}));
  EXPECT_EQ(turned.width, 10);
  EXPECT_EQ(turned.height, 20);
  const auto bytes = testing::write_webp(photo, {.orientation = 6});
  EXPECT_EQ(decoded(bytes, {.apply_orientation = false}).pixels,
            decoded(testing::write_webp(photo, {})).pixels);
}

TEST(Decode, lossless_webp_and_png_give_back_the_photo) {
  const Image photo = draw_photo(23, 19, 8);
  EXPECT_EQ(decoded(testing::write_webp(photo, {.lossless = true})).pixels, photo.pixels);
  EXPECT_EQ(decoded(encode_png(photo)).pixels, photo.pixels);
}

TEST(Decode, heic_is_close_to_the_encoded_photo) {
  const Image photo = corner_photo();
  const Image image = decoded(testing::write_heic(photo, 95));
  ASSERT_EQ(image.width, photo.width);
  ASSERT_EQ(image.height, photo.height);
  double sum = 0;
  for (size_t i = 0; i < photo.pixels.size(); ++i)
    sum += std::abs(image.pixels[i] - photo.pixels[i]);
  EXPECT_LT(sum / static_cast<double>(photo.pixels.size()), 4);
}

TEST(Decode, knows_formats_by_content_not_by_ending) {
  const cairn::testing::TempDir dir;
  const Image photo = draw_photo(12, 8, 9);
  write_file_atomically(dir / "really_a_png.jpg", encode_png(photo));
  EXPECT_EQ(read_image(dir / "really_a_png.jpg").value().pixels, photo.pixels);
}

}  // namespace
}  // namespace cairn::image
