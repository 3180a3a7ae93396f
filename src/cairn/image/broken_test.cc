// Broken files are failures with a reason.
#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>
#include <string>

#include "cairn/base/files.h"
#include "cairn/base/random.h"
#include "cairn/base/testing/testing.h"
#include "cairn/image/image.h"
#include "cairn/image/testing/opencv.h"
#include "cairn/image/testing/samples.h"

namespace cairn::image {
namespace {

using testing::all_samples;
using testing::draw_photo;
using testing::Sample;

std::string reason_of(std::span<const uint8_t> bytes, const DecodeOptions& options = {}) {
  const Result<Image> result = decode(bytes, options);
  return result.ok() ? "" : result.reason();
}

std::vector<uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST(BrokenPhoto, truncated_anywhere_is_a_failure_in_every_format) {
  for (const Sample& sample : all_samples()) {
    for (size_t tenth = 0; tenth < 10; ++tenth) {
      const size_t size = sample.bytes.size() * tenth / 10;
      EXPECT_NE(reason_of(std::span(sample.bytes).first(size)), "") << sample.name << " " << tenth;
    }
  }
}

TEST(BrokenPhoto, a_truncated_jpeg_says_so) {
  for (const bool progressive : {false, true}) {
    const auto bytes = testing::write_jpeg(draw_photo(200, 150, 1), {.progressive = progressive});
    for (const size_t percent : {10, 30, 50, 70, 90, 99}) {
      EXPECT_EQ(reason_of(std::span(bytes).first(bytes.size() * percent / 100)),
                "broken JPEG: truncated: the file ends before the photo does")
          << percent;
    }
  }
}

TEST(BrokenPhoto, a_jpeg_that_lacks_only_its_end_marker_is_whole) {
  const auto bytes = testing::write_jpeg(draw_photo(40, 30, 1), {});
  const Result<Image> result = decode(std::span(bytes).first(bytes.size() - 2));
  ASSERT_TRUE(result.ok()) << result.reason();
  EXPECT_EQ(result.value().pixels, decode(bytes).value().pixels);
}

TEST(BrokenPhoto, bytes_after_the_end_do_no_harm) {
  for (Sample& sample : all_samples()) {
    if (sample.name.ends_with(".heic")) continue;  // its boxes reach to the end of the file
    const Image whole = decode(sample.bytes).value();
    sample.bytes.insert(sample.bytes.end(), 100, 0);
    const Result<Image> result = decode(sample.bytes);
    ASSERT_TRUE(result.ok()) << sample.name << ": " << result.reason();
    EXPECT_EQ(result.value().pixels, whole.pixels) << sample.name;
  }
}

TEST(BrokenPhoto, other_content_is_named) {
  EXPECT_EQ(reason_of({}), "the file is empty");
  const std::string no_photo = "not a photo: the content is neither JPEG, PNG, WebP nor HEIC";
  EXPECT_EQ(reason_of(std::vector<uint8_t>(5000, 0)), no_photo);
  EXPECT_EQ(reason_of(bytes_of("This is a text, whatever its ending says.\n")), no_photo);
  EXPECT_EQ(reason_of(bytes_of("GIF89a............")), no_photo);
  EXPECT_NE(reason_of(bytes_of("\xFF\xD8\xFF and then text")), "");
  EXPECT_NE(reason_of(bytes_of(std::string_view("RIFF\x10\0\0\0WEBPVP8 ", 16))), "");
  EXPECT_NE(reason_of(bytes_of(std::string_view("\0\0\0\x18"
                                                "ftypheic and text",
                                                21))),
            "");
  EXPECT_NE(reason_of(bytes_of("\x89PNG\r\n\x1A\nand text")), "");
}

TEST(BrokenPhoto, unreadable_files_are_named) {
  const cairn::testing::TempDir dir;
  EXPECT_NE(read_image(dir / "missing.jpg").reason().find("No such file"), std::string::npos);
  std::filesystem::create_symlink("nowhere", dir / "dangling.jpg");
  EXPECT_NE(read_image(dir / "dangling.jpg").reason().find("No such file"), std::string::npos);
  EXPECT_EQ(read_image(dir.path()).reason(), "not a regular file");
}

TEST(BrokenPhoto, an_animated_webp_is_refused) {
  EXPECT_EQ(reason_of(testing::write_webp(draw_photo(16, 16, 1), {.animated = true})),
            "animated WebP: only still photos are read");
}

TEST(BrokenPhoto, more_pixels_than_the_limit_are_refused) {
  const Image photo = draw_photo(40, 30, 2);
  for (const auto& bytes : {testing::write_jpeg(photo, {}), testing::write_png(photo, {}),
                            testing::write_webp(photo, {}), testing::write_heic(photo, 50)}) {
    EXPECT_EQ(reason_of(bytes, {.max_pixels = 1199}), "40 x 30 pixels are over the limit of 1199");
    EXPECT_EQ(reason_of(bytes, {.max_pixels = 1200}), "");
  }
}

// Overwrites big-endian 16-bit numbers.
void put16(std::vector<uint8_t>& bytes, size_t at, int value) {
  bytes[at] = static_cast<uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

TEST(BrokenPhoto, huge_dimensions_in_a_header_cost_no_memory) {
  auto jpeg = testing::write_jpeg(draw_photo(40, 30, 2), {});
  size_t frame = 2;  // the SOF0 marker segment
  while (jpeg[frame + 1] != 0xC0) frame += 2U + (size_t{jpeg[frame + 2]} << 8 | jpeg[frame + 3]);
  put16(jpeg, frame + 5, 65500);
  put16(jpeg, frame + 7, 65500);
  EXPECT_EQ(reason_of(jpeg), "65500 x 65500 pixels are over the limit of 100000000");

  // Width, height and the checksum of the header chunk (8-bit RGB).
  auto png = testing::write_png(draw_photo(40, 30, 2), {});
  put16(png, 16, 1'000'000 >> 16);
  put16(png, 18, 1'000'000 & 0xFFFF);
  put16(png, 20, 1'000'000 >> 16);
  put16(png, 22, 1'000'000 & 0xFFFF);
  put16(png, 29, 0xD30F);
  put16(png, 31, 0xAF2A);
  EXPECT_EQ(reason_of(png), "1000000 x 1000000 pixels are over the limit of 100000000");
}

TEST(BrokenPhoto, faults_that_imread_tolerates_are_tolerated) {
  // A flipped bit in the middle of the entropy-coded data damages pixels, and no more.
  auto bytes = testing::write_jpeg(draw_photo(64, 64, 3), {.restart_rows = 1});
  bytes[bytes.size() / 2] ^= 0x10;
  const Result<Image> result = decode(bytes);
  ASSERT_TRUE(result.ok()) << result.reason();
  EXPECT_EQ(testing::difference(result.value(), cv::imdecode(bytes, cv::IMREAD_COLOR)), 0);
}

}  // namespace
}  // namespace cairn::image
