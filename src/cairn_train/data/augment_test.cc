#include "cairn_train/data/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "cairn_train/data/augmix.h"
#include "cairn_train/data/colour.h"
#include "cairn_train/data/crops.h"

namespace cairn::data {
namespace {

const image::Normalisation kPlain{{0, 0, 0}, {1, 1, 1}};

// Random blocks of 4 × 4 pixels, never black or white.
image::Image blocks(int width, int height, uint64_t seed = 1) {
  image::Image photo{width, height, std::vector<uint8_t>(static_cast<size_t>(width) * height * 3)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Rng random =
          Rng::for_stream(seed, static_cast<uint64_t>(y / 4), static_cast<uint64_t>(x / 4));
      for (size_t c = 0; c < 3; ++c)
        photo.pixels[(static_cast<size_t>(y) * width + x) * 3 + c] =
            static_cast<uint8_t>(20 + random.below(200));
    }
  }
  return photo;
}

double mean_difference(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  EXPECT_EQ(a.size(), b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

struct Transform {
  const char* name;
  std::function<void(ViewOptions&)> on;
  std::function<void(AugmentOptions&)> without_strength;
};

const std::vector<Transform>& transforms() {
  static const std::vector<Transform> all = {
      {"pad_crop", [](ViewOptions& v) { v.crop = Crop::kPadded; },
       [](AugmentOptions& a) { a.pad = 0; }},
      {"detection_crop", [](ViewOptions& v) { v.crop = Crop::kDetection; },
       [](AugmentOptions& a) { a.detection_crop = 0; }},
      {"perspective", [](ViewOptions& v) { v.perspective = true; },
       [](AugmentOptions& a) { a.perspective_share = 0; }},
      {"affine", [](ViewOptions& v) { v.affine = true; },
       [](AugmentOptions& a) {
         a.affine.zoom = {1, 1};
       }},
      {"detection_colour", [](ViewOptions& v) { v.detection_colour = true; },
       [](AugmentOptions& a) { a.detection_strength = 0; }},
      {"augmix", [](ViewOptions& v) { v.augmix = true; },
       [](AugmentOptions& a) { a.augmix.severity = 0; }},
      {"patch", [](ViewOptions& v) { v.patch = true; },
       [](AugmentOptions& a) { a.patch.chance = 0; }},
      {"erasing", [](ViewOptions& v) { v.erasing = true; },
       [](AugmentOptions& a) { a.erasing_chance = 0; }},
      {"hue",
       [](ViewOptions& v) {
         v.colour = true;
         v.augment.hue = 40;
       },
       [](AugmentOptions& a) { a.hue = 0; }}};
  return all;
}

ViewOptions nothing_on() {
  ViewOptions options;
  options.size = 32;
  options.crop = Crop::kNone;
  options.flip = options.colour = false;
  AugmentOptions& a = options.augment;
  a.brightness = a.contrast = a.saturation = 0;
  a.perspective = a.detection_colour = a.augmix_chance = a.patch.chance = 1;
  return options;
}

std::vector<float> view(const ViewOptions& options, uint64_t place) {
  static const image::Image photo = blocks(48, 40);
  static const auto other = std::make_shared<const image::Image>(blocks(40, 48, 2));
  Rng random = Rng::for_stream(3, place);
  std::vector<float> out(3UL * options.size * options.size);
  random_view(photo, options, kPlain, random, out.data(), [](Rng&) { return other; });
  return out;
}

TEST(random_view, every_transform_is_the_plain_view_at_strength_0) {
  const std::vector<float> plain = view(nothing_on(), 0);
  for (const Transform& transform : transforms()) {
    ViewOptions options = nothing_on();
    transform.on(options);
    transform.without_strength(options.augment);
    const std::vector<float> out = view(options, 1);
    for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], plain[i], 1.01) << transform.name;
  }
}

TEST(random_view, every_transform_changes_views_as_its_generator_says_and_stays_in_range) {
  const std::vector<float> plain = view(nothing_on(), 0);
  for (const Transform& transform : transforms()) {
    ViewOptions options = nothing_on();
    transform.on(options);
    int changed = 0;
    for (uint64_t place = 0; place < 20; ++place) {
      const std::vector<float> out = view(options, place);
      EXPECT_EQ(out, view(options, place)) << transform.name;
      for (const float value : out) ASSERT_TRUE(value >= 0 && value <= 255) << transform.name;
      changed += out != plain;
    }
    EXPECT_GE(changed, 14) << transform.name;
    EXPECT_NE(view(options, 1), view(options, 3)) << transform.name;
  }
}

TEST(random_view, erases_the_mean_colour_in_a_box_of_the_reference_area) {
  ViewOptions options = nothing_on();
  options.erasing = true;
  double share = 0;
  constexpr int kViews = 400;
  for (uint64_t place = 0; place < kViews; ++place) {
    const std::vector<float> out = view(options, place);
    const auto erased = std::count(out.begin(), out.end(), 0.0F);
    EXPECT_EQ(erased % 3, 0);
    share += static_cast<double>(erased) / static_cast<double>(out.size()) / kViews;
  }
  EXPECT_NEAR(share, 0.11, 0.015);
  options.augment.erasing_chance = 0.25;
  int with = 0;
  for (uint64_t place = 0; place < kViews; ++place) {
    const std::vector<float> out = view(options, place);
    with += std::count(out.begin(), out.end(), 0.0F) > 0;
  }
  EXPECT_NEAR(with, kViews / 4, 40);
}

TEST(random_view, without_another_photo_pastes_no_patch) {
  ViewOptions options = nothing_on();
  options.patch = true;
  const image::Image photo = blocks(32, 32);
  std::vector<float> out(3 * 32 * 32);
  Rng random(1);
  random_view(photo, options, kPlain, random, out.data());
  for (size_t i = 0; i < 32 * 32; ++i) ASSERT_EQ(out[i], photo.pixels[i * 3]);
}

TEST(padded_window, moves_the_photo_by_at_most_the_padding_and_fills_with_black) {
  const image::Image photo = blocks(12, 9);
  Rng random(2);
  int most = 0;
  for (int i = 0; i < 200; ++i) {
    const image::Image window = padded_window(photo, 3, random);
    ASSERT_EQ(window.pixels.size(), photo.pixels.size());
    int found = 0;
    for (int dy = -3; dy <= 3; ++dy) {
      for (int dx = -3; dx <= 3; ++dx) {
        bool same = true;
        for (int y = 0; same && y < 9; ++y) {
          for (int x = 0; same && x < 12; ++x) {
            const bool inside = x + dx >= 0 && x + dx < 12 && y + dy >= 0 && y + dy < 9;
            const uint8_t expected = inside ? photo.pixels[((y + dy) * 12 + x + dx) * 3] : 0;
            same = window.pixels[(y * 12 + x) * 3] == expected;
          }
        }
        if (!same) continue;
        ++found;
        most = std::max({most, std::abs(dx), std::abs(dy)});
      }
    }
    EXPECT_GE(found, 1);
  }
  EXPECT_EQ(most, 3);
  Rng again(2);
  EXPECT_EQ(padded_window(photo, 50, again).pixels.size(), photo.pixels.size());
}

TEST(detection_box, holds_the_middle_and_overlaps_as_asked) {
  const image::Image photo = blocks(100, 80);
  Rng random(3);
  double area = 0;
  for (int i = 0; i < 500; ++i) {
    const Box box = detection_box(photo, {0.5, 0.5}, random);
    ASSERT_TRUE(box.x >= 0 && box.y >= 0 && box.x + box.width <= 100 && box.y + box.height <= 80);
    EXPECT_TRUE(box.x <= 50 && box.x + box.width >= 50);
    EXPECT_TRUE(box.y <= 40 && box.y + box.height >= 40);
    EXPECT_LE(
        std::max(box.width / 100.0 / (box.height / 80.0), box.height / 80.0 / (box.width / 100.0)),
        2.1);
    // An overlap of a half with half of the photo takes a quarter of it or more.
    EXPECT_GE(box.width * box.height, 0.24 * 100 * 80);
    area += box.width * box.height / 8000.0 / 500;
  }
  EXPECT_LT(area, 0.9);
  const Box whole = detection_box(photo, {1, 1}, random);
  EXPECT_EQ(whole.width, 100);
}

TEST(move, turns_shifts_and_zooms_about_the_middle) {
  const image::Image photo = blocks(21, 21);
  const auto at = [](const image::Image& image, int x, int y) {
    return static_cast<int>(image.pixels[static_cast<size_t>((y * image.width + x) * 3)]);
  };
  const image::Image turned = move(photo, {.degrees = 90});
  EXPECT_NEAR(at(turned, 4, 16), at(photo, 4, 4), 1);  // the upper left corner goes down
  const image::Image shifted = move(photo, {.shift_x = 3, .shift_y = -2});
  EXPECT_NEAR(at(shifted, 10, 10), at(photo, 7, 12), 1);
  EXPECT_EQ(at(shifted, 0, 0), 128);
  EXPECT_NEAR(at(move(photo, {.zoom = 2}), 14, 6), at(photo, 12, 8), 1);
  EXPECT_NEAR(at(move(photo, {.shear_x = 1}), 12, 13), at(photo, 9, 13), 1);
  EXPECT_EQ(move(photo, {}).pixels, photo.pixels);
}

TEST(random_perspective, keeps_the_middle_and_leaves_grey_only_at_the_border) {
  const image::Image white{40, 40, std::vector<uint8_t>(40 * 40 * 3, 255)};
  Rng random(4);
  double grey = 0;
  for (int i = 0; i < 100; ++i) {
    const image::Image seen = random_perspective(white, 0.3, random);
    for (int y = 8; y < 32; ++y)
      for (int x = 8; x < 32; ++x) ASSERT_EQ(seen.pixels[(y * 40 + x) * 3], 255);
    grey += static_cast<double>(std::ranges::count(seen.pixels, 128)) / seen.pixels.size() / 100;
  }
  EXPECT_NEAR(grey, 0.27, 0.06);  // each side loses 7.5 % in the mean
}

TEST(turn_hue, turns_red_to_green_and_back) {
  image::Image photo{1, 1, {200, 40, 40}};
  turn_hue(photo, 120);
  EXPECT_EQ(photo.pixels, (std::vector<uint8_t>{40, 200, 40}));
  turn_hue(photo, -120);
  EXPECT_EQ(photo.pixels, (std::vector<uint8_t>{200, 40, 40}));
  image::Image grey{1, 1, {90, 90, 90}};
  turn_hue(grey, 77);
  EXPECT_EQ(grey.pixels, (std::vector<uint8_t>{90, 90, 90}));
}

TEST(distort_colours, changes_more_with_strength) {
  const image::Image photo = blocks(16, 16);
  double before = 0;
  for (const double strength : {0.0, 0.2, 0.6, 1.0}) {
    double change = 0;
    for (uint64_t i = 0; i < 100; ++i) {
      image::Image distorted = photo;
      Rng random = Rng::for_stream(5, i);
      distort_colours(distorted, strength, random);
      change += mean_difference(distorted.pixels, photo.pixels) / 100;
    }
    if (strength == 0)
      EXPECT_EQ(change, 0);
    else
      EXPECT_GT(change, 1.5 * before);
    before = change;
  }
}

TEST(aug_mix, changes_more_with_severity_and_keeps_every_level_between_photo_and_chains) {
  const image::Image photo = blocks(24, 24);
  double before = 0;
  for (const double severity : {0.0, 1.0, 3.0, 10.0}) {
    double change = 0;
    for (uint64_t i = 0; i < 150; ++i) {
      Rng random = Rng::for_stream(6, i);
      change +=
          mean_difference(aug_mix(photo, {.severity = severity}, random).pixels, photo.pixels) /
          150;
    }
    EXPECT_TRUE(severity == 0 ? change == 0 : change > before) << severity << " " << change;
    before = change;
  }
  // The reference's sharp weights take the photo, or one chain, nearly alone; they stay defined.
  Rng random(7);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(aug_mix(photo, {.severity = 1, .depth = 1, .alpha = 0.01}, random).pixels.size(),
              photo.pixels.size());
}

TEST(paste_patch, covers_a_box_of_the_asked_share_with_the_other_photo) {
  const image::Image black{60, 60, std::vector<uint8_t>(60 * 60 * 3, 0)};
  const image::Image white{50, 70, std::vector<uint8_t>(50 * 70 * 3, 255)};
  Rng random(8);
  double share = 0;
  for (int i = 0; i < 400; ++i) {
    image::Image photo = black;
    paste_patch(photo, white, {}, random);
    const auto covered = std::ranges::count_if(photo.pixels, [](uint8_t v) { return v > 0; });
    share += static_cast<double>(covered) / static_cast<double>(photo.pixels.size()) / 400;
  }
  // Long patches of much area do not fit and are drawn again.
  EXPECT_NEAR(share, 0.08, 0.015);
}

}  // namespace
}  // namespace cairn::data
