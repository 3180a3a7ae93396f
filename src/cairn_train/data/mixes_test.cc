#include "cairn_train/data/mixes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "cairn/base/testing/testing.h"
#include "cairn_train/data/fmix.h"
#include "cairn_train/data/random_erasing.h"

namespace cairn::data {
namespace {

using cairn::testing::golden_case;
using cairn::testing::golden_u;

std::vector<double> golden_numbers(const std::string& key, size_t count) {
  std::vector<double> numbers;
  for (size_t i = 0; i < count; ++i) numbers.push_back(static_cast<float>(golden_u(key, i)));
  return numbers;
}

// Hard masks are stored as whole numbers.
std::vector<float> golden_mask(const testing::GoldenCase& golden, const std::string& file,
                               bool soft) {
  if (soft) return golden.f32(file).values;
  const auto numbers = golden.i64(file).values;
  return {numbers.begin(), numbers.end()};
}

std::vector<float> golden_batch(const std::string& key, size_t count) {
  const std::vector<double> numbers = golden_numbers(key, count);
  return {numbers.begin(), numbers.end()};
}

void expect_mask(const std::vector<float>& own, const std::vector<float>& reference,
                 const std::string& file) {
  ASSERT_EQ(own.size(), reference.size());
  for (size_t i = 0; i < own.size(); ++i) ASSERT_NEAR(own[i], reference[i], 1e-6) << file << i;
}

TEST(MixesGolden, augment_fmix_images_and_masks) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = golden_case("augment/fmix");
  for (const auto& one : golden.spec["cases"]) {
    FMixSpectrum spectrum{one["h"], one["w"], one["decay_power"], /*reference_rows=*/true};
    const auto image =
        low_frequency_image(spectrum, golden_numbers(one["noise_key"], fmix_noise_size(spectrum)));
    const auto reference = golden.f32(one["image"]).values;
    ASSERT_EQ(image.size(), reference.size());
    for (size_t i = 0; i < image.size(); ++i) ASSERT_NEAR(image[i], reference[i], 1e-6) << i;
    for (const auto& mask : one["masks"])
      expect_mask(binarise_mask(image, mask["lam"], mask["rounding"] == "ceil", mask["max_soft"]),
                  golden_mask(golden, mask["file"], mask["max_soft"] > 0.0), mask["file"]);
  }
}

TEST(MixesGolden, augment_fmix_batch) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = golden_case("augment/fmix");
  std::vector<float> pixels = golden_batch("fmix.batch", 3 * 2 * 32 * 32);
  const auto mask = golden_mask(golden, "mask_0_0.npy", false);
  mask_mix({pixels.data(), 3, 2, 32, 32}, mask, std::vector<size_t>{2, 0, 1});
  const auto reference = golden.f32("batch_mixed.npy").values;
  ASSERT_EQ(pixels.size(), reference.size());
  for (size_t i = 0; i < pixels.size(); ++i) ASSERT_NEAR(pixels[i], reference[i], 1e-6);
}

// The mean of |value - its neighbour| to the right, or below.
double change(const std::vector<float>& mask, int side, bool vertical) {
  double sum = 0;
  for (int y = 0; y + vertical < side; ++y)
    for (int x = 0; x + !vertical < side; ++x)
      sum += std::abs(mask[y * side + x] - mask[(y + vertical) * side + x + !vertical]);
  return sum / (side * (side - 1));
}

TEST(MixesGolden, augment_fmix_statistics) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = golden_case("augment/fmix");
  for (const auto& [key, reference] : golden.spec["statistics"].items()) {
    const int side = std::stoi(key);
    const FMixSpectrum spectrum{side, side, /*decay=*/1, /*reference_rows=*/true};
    constexpr int kMasks = 800;  // more than the reference's, so that the bound is for its chance
    Rng random(3);
    double lambdas = 0;
    double horizontal = 0;
    double vertical = 0;
    for (int i = 0; i < kMasks; ++i) {
      const double lambda = random.beta(3, 3);
      std::vector<double> noise(fmix_noise_size(spectrum));
      for (double& number : noise) number = random.normal();
      const auto mask =
          binarise_mask(low_frequency_image(spectrum, noise), lambda, random.chance(0.5));
      const double mean =
          std::accumulate(mask.begin(), mask.end(), 0.0) / static_cast<double>(mask.size());
      ASSERT_LE(std::abs(mean - lambda), reference["bound_1_over_pixels"].get<double>());
      lambdas += lambda / kMasks;
      horizontal += change(mask, side, false) / kMasks;
      vertical += change(mask, side, true) / kMasks;
    }
    const auto expect_near = [&](double own, const std::string& name) {
      const double deviation = reference[name + "_std"].get<double>();
      const double allowed = 4 * deviation / std::sqrt(reference["samples"].get<double>());
      EXPECT_NEAR(own, reference[name + "_mean"].get<double>(), allowed) << name << " " << side;
    };
    expect_near(lambdas, "lam");
    expect_near(horizontal, "horizontal_change_fraction");
    expect_near(vertical, "vertical_change_fraction");
  }
}

TEST(fmix_mask, has_shapes_without_a_direction_and_the_area_that_was_asked_for) {
  Rng random(5);
  double horizontal = 0;
  double vertical = 0;
  for (int i = 0; i < 200; ++i) {
    const double lambda = random.uniform();
    const auto mask = fmix_mask(33, lambda, 3, random);
    const double mean = std::accumulate(mask.begin(), mask.end(), 0.0) / (33 * 33);
    ASSERT_LE(std::abs(mean - lambda), 1.0 / (33 * 33));
    horizontal += change(mask, 33, false);
    vertical += change(mask, 33, true);
  }
  EXPECT_NEAR(horizontal / vertical, 1, 0.1);
}

TEST(MixesGolden, augment_cutmix) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = golden_case("augment/cutmix");
  for (const auto& row : golden.spec["boxes"]) {
    // The reference calls the size of axis 2 the width.
    const CutBox box = cut_box(row[0], row[1], row[2], row[3], row[4]);
    EXPECT_EQ(box.x1, row[5]) << row;
    EXPECT_EQ(box.y1, row[6]) << row;
    EXPECT_EQ(box.x2, row[7]) << row;
    EXPECT_EQ(box.y2, row[8]) << row;
    EXPECT_NEAR(share_outside(box, row[0], row[1]), row[9].get<double>(), 1e-12) << row;
  }
  const auto& batch = golden.spec["batch"];
  std::vector<float> pixels = golden_batch("cutmix.batch", 3 * 2 * 12 * 12);
  const CutBox box = cut_box(12, 12, batch["clipped_lam"], batch["cx"], batch["cy"]);
  cut_mix({pixels.data(), 3, 2, 12, 12}, box, batch["permutation"].get<std::vector<size_t>>());
  EXPECT_EQ(pixels, golden.f32("batch_mixed.npy").values);
  EXPECT_NEAR(share_outside(box, 12, 12), batch["lam_adjusted"].get<double>(), 1e-12);
}

TEST(MixesGolden, augment_random_erasing) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = golden_case("augment/random_erasing");
  for (const auto& row : golden.spec["rows"]) {
    const ErasingDraws draws{
        [&] { return row[2].get<double>(); }, [&] { return row[3].get<double>(); },
        [&](int) { return row[4].get<int>(); }, [&](int) { return row[5].get<int>(); }};
    int attempts = 0;
    const auto box = erased_box(row[0], row[1], draws, &attempts);
    EXPECT_EQ(attempts, row[6]) << row;
    ASSERT_EQ(box.has_value(), !row[7].is_null()) << row;
    if (!box) continue;
    // The stored boxes are cut to the photo, for draws beyond what the reference's generator gives.
    const int height = std::min(box->height, row[0].get<int>() - box->row);
    const int width = std::min(box->width, row[1].get<int>() - box->column);
    EXPECT_EQ((std::vector<int>{box->row, box->column, height, width}),
              row[7].get<std::vector<int>>());
  }
}

TEST(MixesGolden, augment_random_erasing_statistics) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = golden_case("augment/random_erasing");
  const auto& reference = golden.spec["statistics"];
  const auto& parameters = golden.spec["parameters"];
  const int height = reference["image"][0];
  const int width = reference["image"][1];
  const double least_aspect = parameters["r1"];
  const ErasingOptions options;  // the reference's
  EXPECT_EQ(options.area, (std::array<double, 2>{parameters["sl"], parameters["sh"]}));
  EXPECT_EQ(options.least_ratio, least_aspect);
  Rng random(6);
  constexpr int kBoxes = 20000;
  double area = 0;
  double aspect = 0;
  for (int i = 0; i < kBoxes; ++i) {
    const auto box = random_erased_box(height, width, options, random);
    ASSERT_TRUE(box);
    ASSERT_LE(box->row + box->height, height);
    ASSERT_LE(box->column + box->width, width);
    area += static_cast<double>(box->height) * box->width / (height * width) / kBoxes;
    aspect += static_cast<double>(box->height) / box->width / kBoxes;
  }
  const double root = std::sqrt(reference["samples"].get<double>());
  EXPECT_NEAR(area, reference["area_fraction_mean"].get<double>(),
              4 * reference["area_fraction_std"].get<double>() / root);
  // No deviation is stored for the shape; that of a uniform one bounds it.
  EXPECT_NEAR(aspect, reference["height_over_width_mean"].get<double>(),
              4 * (1 / least_aspect - least_aspect) / std::sqrt(12) / root);
}

TEST(mix_batch, takes_each_kind_by_its_chance_and_says_what_a_row_shows) {
  MixOptions options;
  options.kinds = {Mix::kFMix, Mix::kCutMix, Mix::kMixUp};
  std::array<int, 4> seen{};
  for (uint64_t i = 0; i < 400; ++i) {
    Rng random = Rng::for_stream(4, i);
    // Row r holds r everywhere, so that the mean of a row says what it shows.
    std::vector<float> pixels(3 * 3 * 16 * 16);
    for (size_t p = 0; p < pixels.size(); ++p) pixels[p] = static_cast<float>(p / (3 * 16 * 16));
    const auto mixed = mix_batch({pixels.data(), 3, 3, 16, 16}, options, random);
    ++seen[mixed ? static_cast<size_t>(mixed->kind) : 3];
    if (!mixed) continue;
    for (size_t row = 0; row < 3; ++row) {
      double mean = 0;
      for (size_t p = 0; p < 768; ++p) mean += pixels[row * 768 + p] / 768;
      const double shown = mixed->lambda * static_cast<double>(row) +
                           (1 - mixed->lambda) * static_cast<double>(mixed->partner[row]);
      EXPECT_NEAR(mean, shown, 0.01);
    }
  }
  for (const int count : seen) EXPECT_NEAR(count, 100, 35);
  options.kinds = {};
  std::vector<float> pixels(3 * 16 * 16, 1.0F);
  Rng random(1);
  EXPECT_FALSE(mix_batch({pixels.data(), 1, 3, 16, 16}, options, random));
}

}  // namespace
}  // namespace cairn::data
