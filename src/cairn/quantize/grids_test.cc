#include "cairn/quantize/grids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/engine/testing/onnx_builder.h"

namespace cairn::quantize {
namespace {

using engine::Grid;
using engine::Tensor;
using engine::testing::drawn;

Histogram histogram_of(const std::vector<float>& numbers) {
  Histogram histogram;
  histogram.add(numbers);
  return histogram;
}

// Mostly within ±2, one in a thousand up to 40.
std::vector<float> with_outliers() {
  Rng random(3);
  std::vector<float> numbers(100000);
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(random.normal() * (i % 1000 == 0 ? 10 : 0.5));
  return numbers;
}

TEST(grids, max_is_the_range_of_all_numbers_and_zero) {
  const Range range = choose_range(histogram_of({0.5F, 1.25F, 7.F}), Calibration::kMax, 50);
  EXPECT_EQ(range.low, 0);
  EXPECT_EQ(range.high, 7);
  const Range negative = choose_range(histogram_of({-0.5F, -7.F}), Calibration::kMax, 50);
  EXPECT_EQ(negative.low, -7);
  EXPECT_EQ(negative.high, 0);
}

TEST(grids, percentile_leaves_the_share_outside_on_each_side) {
  std::vector<float> numbers = with_outliers();
  const Range range = choose_range(histogram_of(numbers), Calibration::kPercentile, 99.9);
  const auto above =
      std::count_if(numbers.begin(), numbers.end(), [&](float x) { return x > range.high; });
  const auto below =
      std::count_if(numbers.begin(), numbers.end(), [&](float x) { return x < range.low; });
  EXPECT_NEAR(static_cast<double>(above), 100, 15);
  EXPECT_NEAR(static_cast<double>(below), 100, 15);
  const Range all = choose_range(histogram_of(numbers), Calibration::kPercentile, 100);
  EXPECT_EQ(all.high, *std::max_element(numbers.begin(), numbers.end()));
}

TEST(grids, kl_cuts_rare_outliers_and_keeps_even_numbers) {
  const Range cut = choose_range(histogram_of(with_outliers()), Calibration::kKl, 0);
  EXPECT_LT(cut.high, 15);
  EXPECT_GT(cut.high, 1);
  EXPECT_LT(cut.low, -1);
  Rng random(3);
  std::vector<float> even(100000);
  for (float& x : even) x = static_cast<float>(random.uniform(0, 5));
  EXPECT_GT(choose_range(histogram_of(even), Calibration::kKl, 0).high, 4.9);
}

TEST(grids, values_that_are_never_negative_start_at_zero) {
  const Grid grid = grid_of_range({0, 5.1});
  EXPECT_EQ(grid.type, engine::DType::kU8);
  EXPECT_EQ(grid.zero, 0);
  EXPECT_FLOAT_EQ(grid.scale, 5.1F / 255);
}

TEST(grids, zero_is_always_on_the_grid) {
  for (const Range range : {Range{-0.278, 6}, Range{-3, 3}, Range{-5, 0}, Range{-1e-9, 1}}) {
    const Grid grid = grid_of_range(range);
    EXPECT_GE(grid.zero, 0);
    EXPECT_LE(grid.zero, 255);
    EXPECT_NEAR((0 - grid.zero) * static_cast<double>(grid.scale), range.low, grid.scale * 0.51);
    EXPECT_NEAR((255 - grid.zero) * static_cast<double>(grid.scale), range.high, grid.scale * 0.51);
  }
}

TEST(grids, a_value_of_zeros_has_a_sound_grid) {
  const Grid grid = grid_of_range(choose_range(histogram_of({0, 0, 0}), Calibration::kKl, 0));
  EXPECT_GT(grid.scale, 0);
  EXPECT_EQ(grid.zero, 0);
}

TEST(grids, weights_are_the_nearest_of_127_steps_of_each_channel) {
  const Tensor weights = drawn("w", {6, 5, 3, 3}, 0.7F);
  const engine::QuantisedWeights made = quantise_weights(weights, WeightScales::kMax);
  ASSERT_EQ(made.scales.size(), 6U);
  for (size_t c = 0; c < 6; ++c) {
    float largest = 0;
    for (size_t i = 0; i < 45; ++i)
      largest = std::max(largest, std::abs(weights.data<float>()[c * 45 + i]));
    EXPECT_FLOAT_EQ(made.scales[c], largest / 127);
    for (size_t i = 0; i < 45; ++i) {
      const int step = made.values.data<int8_t>()[c * 45 + i];
      EXPECT_GE(step, -127);
      EXPECT_NEAR(static_cast<float>(step) * made.scales[c], weights.data<float>()[c * 45 + i],
                  made.scales[c] * 0.5001F);
    }
  }
}

double squared_error(const Tensor& weights, const engine::QuantisedWeights& made) {
  const size_t each = weights.count() / made.scales.size();
  double sum = 0;
  for (size_t i = 0; i < weights.count(); ++i)
    sum += std::pow(made.values.data<int8_t>()[i] * static_cast<double>(made.scales[i / each]) -
                        weights.data<float>()[i],
                    2);
  return sum;
}

TEST(grids, least_squares_never_is_worse_than_the_largest_weight) {
  Tensor weights(engine::DType::kF32, {4, 5000});
  Rng random(11);
  for (size_t i = 0; i < weights.count(); ++i)
    weights.data<float>()[i] = static_cast<float>(std::pow(random.normal(), 3));
  const double with_max = squared_error(weights, quantise_weights(weights, WeightScales::kMax));
  const double least =
      squared_error(weights, quantise_weights(weights, WeightScales::kLeastSquares));
  EXPECT_LT(least, with_max);
}

TEST(grids, channels_of_zeros_stay_zeros) {
  const Tensor zeros = Tensor::from_f32({2, 2}, std::vector<float>{0, 0, 1e-38F, 0});
  const engine::QuantisedWeights made = quantise_weights(zeros, WeightScales::kLeastSquares);
  for (const int8_t step : made.values.values<int8_t>()) EXPECT_EQ(step, 0);
  for (const float scale : made.scales) EXPECT_EQ(scale, 1);
}

TEST(grids, unknown_calibrations_are_refused) {
  EXPECT_EQ(parse_calibration("kl"), Calibration::kKl);
  EXPECT_THROW(parse_calibration("entropy"), Error);
}

}  // namespace
}  // namespace cairn::quantize
