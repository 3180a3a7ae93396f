#include "cairn/image/exif.h"

#include <gtest/gtest.h>

#include "cairn/image/testing/samples.h"

namespace cairn::image {
namespace {

using testing::exif_block;

TEST(ExifOrientation, is_read_in_both_byte_orders) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(exif_orientation(exif_block(orientation, false)), orientation);
    EXPECT_EQ(exif_orientation(exif_block(orientation, true)), orientation);
  }
}

TEST(ExifOrientation, is_read_behind_the_jpeg_prefix) {
  std::vector<uint8_t> bytes = {'E', 'x', 'i', 'f', 0, 0};
  const auto block = exif_block(6, true);
  bytes.insert(bytes.end(), block.begin(), block.end());
  EXPECT_EQ(exif_orientation(bytes), 6);
}

TEST(ExifOrientation, is_1_for_values_that_do_not_exist) {
  EXPECT_EQ(exif_orientation(exif_block(0, false)), 1);
  EXPECT_EQ(exif_orientation(exif_block(9, true)), 1);
}

TEST(ExifOrientation, is_1_where_the_block_is_cut_before_it) {
  const auto block = exif_block(6, false);
  constexpr size_t kEndOfOrientation = 10 + 2 * 12;
  for (size_t size = 0; size < block.size(); ++size) {
    EXPECT_EQ(exif_orientation(std::span(block).first(size)), size < kEndOfOrientation ? 1 : 6);
  }
}

TEST(ExifOrientation, is_1_where_the_directory_lies_outside) {
  for (const bool big_endian : {false, true}) {
    auto block = exif_block(6, big_endian);
    for (size_t i = 4; i < 8; ++i) block[i] = 0xFF;
    EXPECT_EQ(exif_orientation(block), 1);
  }
}

}  // namespace
}  // namespace cairn::image
