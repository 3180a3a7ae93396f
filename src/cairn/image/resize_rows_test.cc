#include "cairn/image/resize_rows.h"

#include <gtest/gtest.h>

#include <random>

#include "cairn/base/testing/instructions.h"
#include "cairn/image/testing/samples.h"

namespace cairn::image {
namespace {

constexpr Normalisation kNormalisation = {{123.675F, 116.28F, 103.53F}, {58.395F, 57.12F, 57.375F}};

std::vector<float> plain(const Image& photo, int width, int height) {
  std::vector<float> out(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  to_chw(resize_bilinear(photo, width, height), kNormalisation, out.data());
  return out;
}

// With a guard behind the last number.
std::vector<float> fused(const Image& photo, int width, int height) {
  const size_t count = static_cast<size_t>(width) * static_cast<size_t>(height) * 3;
  std::vector<float> out(count + 1, 4711);
  resize_to_chw(photo, width, height, kNormalisation, out.data());
  EXPECT_EQ(out.back(), 4711);
  out.pop_back();
  return out;
}

Image noise(int width, int height, uint32_t seed) {
  Image photo{width, height, {}};
  photo.pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  std::mt19937 random(seed);
  for (uint8_t& value : photo.pixels) {
    const uint32_t drawn = random();
    value = static_cast<uint8_t>(drawn % 4 == 0 ? 255 : drawn >> 8);
  }
  return photo;
}

TEST(ResizeToChw, is_bit_for_bit_the_plain_path_for_all_sizes_with_any_instructions) {
  cairn::testing::with_any_instructions([] {
    uint32_t seed = 0;
    for (const int width : {1, 2, 3, 7, 30, 61, 224, 500}) {
      for (const int height : {1, 2, 5, 31, 62, 224, 375}) {
        const Image photo = noise(width, height, ++seed);
        for (const auto& [to_width, to_height] :
             {std::pair(1, 1), {2, 3}, {15, 31}, {17, 16}, {224, 224}, {250, 112}, {33, 250}}) {
          ASSERT_EQ(fused(photo, to_width, to_height), plain(photo, to_width, to_height))
              << width << " x " << height << " to " << to_width << " x " << to_height;
        }
      }
    }
  });
}

TEST(ResizeToChw, is_the_plain_path_for_any_drawn_size) {
  std::mt19937 random(7);
  const auto side = [&] { return 1 + static_cast<int>(random() % 300); };
  for (uint32_t i = 0; i < 300; ++i) {
    const Image photo = noise(side(), side(), i);
    const int width = side();
    const int height = side();
    ASSERT_EQ(fused(photo, width, height), plain(photo, width, height))
        << photo.width << " x " << photo.height << " to " << width << " x " << height;
  }
}

TEST(RowResizer, wants_only_the_rows_that_the_output_lies_between) {
  std::vector<float> out(3 * 2 * 2);
  RowResizer resizer(4, 100, 2, 2, kNormalisation, out.data());
  const Image photo = testing::draw_photo(4, 100, 1);
  std::vector<int> rows;
  while (resizer.wanted() < 100) {
    rows.push_back(resizer.wanted());
    resizer.row(&photo.pixels[testing::offset(photo, 0, resizer.wanted())]);
  }
  EXPECT_EQ(rows, (std::vector<int>{24, 25, 74, 75}));
  EXPECT_EQ(out, plain(photo, 2, 2));
}

}  // namespace
}  // namespace cairn::image
