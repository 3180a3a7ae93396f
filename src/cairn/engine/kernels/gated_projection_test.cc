// The fused kernel against plain loops.
#include "cairn/engine/kernels/gated_projection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/engine/kernels/avx512_bf16.h"

namespace cairn::engine::kernels {
namespace {

uint8_t nearest_byte(double steps) {
  return static_cast<uint8_t>(std::clamp(std::nearbyint(steps), 0.0, 255.0));
}

// Every number of one image, by plain loops and by the kernel: at most one step apart, and hardly
// ever that (where a number lies between two).
void check(size_t positions, size_t in_channels, size_t channels, bool added, uint64_t seed) {
  Rng random(seed);
  const auto drawn = [&](size_t count, double low, double high) {
    std::vector<float> numbers(count);
    for (float& number : numbers) number = static_cast<float>(random.uniform(low, high));
    return numbers;
  };
  GatedProjection step;
  step.positions = positions;
  step.in_channels = in_channels;
  step.channels = channels;
  step.in_grid = {.scale = 0.0127F, .zero = static_cast<int32_t>(seed * 37 % 128)};
  step.residual_scale = 0.83F;
  std::vector<Bf16> x(positions * in_channels);
  for (Bf16& number : x) number = to_bf16(static_cast<float>(random.uniform(-1, 3)));
  const std::vector<float> gate = drawn(in_channels, 0, 1);
  std::vector<int8_t> weights(channels * in_channels);
  for (int8_t& weight : weights)
    weight = static_cast<int8_t>(static_cast<int>(random.below(255)) - 127);
  const std::vector<float> units = drawn(channels, 0.0005, 0.001);
  const std::vector<float> bias = drawn(channels, 20, 90);
  std::vector<uint8_t> y(positions * channels + 1, 99);
  for (uint8_t& byte : y) byte = static_cast<uint8_t>(random.below(256));
  const std::vector<uint8_t> residual = y;

  const auto packed = pack_quads(weights.data(), channels, in_channels, Window2d{});
  const auto packed_units = pack_bias(units.data(), channels);
  const auto packed_bias = pack_bias(bias.data(), channels);
  step.weights_s8 = packed.data();
  step.units = packed_units.data();
  step.bias = packed_bias.data();
  std::vector<float> scratch(step.scratch_floats());
  gated_projection(step, x.data(), gate.data(), added ? y.data() : nullptr, y.data(),
                   scratch.data());

  size_t different = 0;
  for (size_t p = 0; p < positions; ++p) {
    std::vector<uint8_t> gated(in_channels);
    for (size_t k = 0; k < in_channels; ++k) {
      const double number = double{to_float(x[p * in_channels + k])} * gate[k];
      gated[k] = nearest_byte(number / double{step.in_grid.scale} + step.in_grid.zero);
    }
    for (size_t c = 0; c < channels; ++c) {
      int sum = 0;
      for (size_t k = 0; k < in_channels; ++k) sum += gated[k] * weights[c * in_channels + k];
      double wanted = double{units[c]} * sum + double{bias[c]};
      if (added) wanted += residual[p * channels + c] * double{step.residual_scale};
      const int off = y[p * channels + c] - nearest_byte(wanted);
      ASSERT_LE(std::abs(off), 1) << p << ", " << c;
      if (off != 0) ++different;
    }
  }
  EXPECT_LE(different, 1 + positions * channels / 200);
  EXPECT_EQ(y.back(), residual.back());
}

// The same of bfloat16.
void check_half(size_t positions, size_t in_channels, size_t channels, bool added, uint64_t seed) {
  Rng random(seed);
  const auto drawn = [&](size_t count) {
    std::vector<Bf16> numbers(count);
    for (Bf16& number : numbers) number = to_bf16(static_cast<float>(random.uniform(-1, 1)));
    return numbers;
  };
  GatedProjection step;
  step.positions = positions;
  step.in_channels = in_channels;
  step.channels = channels;
  const std::vector<Bf16> x = drawn(positions * in_channels);
  const std::vector<Bf16> residual = drawn(positions * channels + 1);
  std::vector<float> gate(in_channels);
  for (float& number : gate) number = static_cast<float>(random.uniform());
  std::vector<float> weights(channels * in_channels);
  std::vector<float> bias(channels);
  for (std::vector<float>* numbers : {&weights, &bias})
    for (float& number : *numbers)
      number = to_float(to_bf16(static_cast<float>(random.uniform(-1, 1))));
  std::vector<Bf16> y = residual;
  const auto pairs = pack_pairs(weights.data(), channels, in_channels);
  const auto packed_bias = pack_bias(bias.data(), channels);
  step.weights = pairs.data();
  step.bias = packed_bias.data();
  std::vector<float> scratch(step.scratch_floats());
  gated_projection(step, x.data(), gate.data(), added ? y.data() : nullptr, y.data(),
                   scratch.data());
  for (size_t p = 0; p < positions; ++p) {
    for (size_t c = 0; c < channels; ++c) {
      double sum = added ? to_float(residual[p * channels + c]) : 0;
      double size = std::abs(sum);
      sum += bias[c];
      for (size_t k = 0; k < in_channels; ++k) {
        const double product =
            double{to_float(to_bf16(to_float(x[p * in_channels + k]) * gate[k]))} *
            weights[c * in_channels + k];
        sum += product;
        size += std::abs(product);
      }
      ASSERT_NEAR(to_float(y[p * channels + c]), sum, std::abs(sum) / 250 + size * 1e-5)
          << p << ", " << c;
    }
  }
  EXPECT_EQ(y.back().bits, residual.back().bits);
}

TEST(gated_projection, equals_plain_loops_for_sizes_that_fill_no_tile) {
  if (!has_avx512_bf16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  uint64_t seed = 1;
  for (const size_t positions : {1, 7, 49, 321})
    for (const size_t in_channels : {4, 32, 52, 400})
      for (const size_t channels : {3, 16, 24, 40, 80, 112}) {
        SCOPED_TRACE(testing::Message() << positions << ": " << in_channels << ", " << channels);
        check(positions, in_channels, channels, seed % 2 == 0, seed);
        check_half(positions, in_channels + 2, channels, seed % 2 == 0, seed);
        ++seed;
      }
}

}  // namespace
}  // namespace cairn::engine::kernels
