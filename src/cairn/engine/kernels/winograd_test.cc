// The kernel against plain loops.
#include "cairn/engine/kernels/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "cairn/base/random.h"
#include "cairn/engine/kernels/avx512_bf16.h"

namespace cairn::engine::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> draw(Rng& random, size_t count, double largest) {
  std::vector<float> numbers(count);
  for (float& number : numbers) number = static_cast<float>(random.uniform(-largest, largest));
  return numbers;
}

std::vector<Bf16> rounded(std::vector<float>& numbers) {
  std::vector<Bf16> half(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    half[i] = to_bf16(numbers[i]);
    numbers[i] = to_float(half[i]);
  }
  return half;
}

std::vector<double> by_loops(const Winograd& problem, const std::vector<float>& x,
                             const std::vector<float>& weights,
                             const std::vector<float>& residual) {
  std::vector<double> y;
  for (size_t row = 0; row < problem.out_height; ++row) {
    for (size_t column = 0; column < problem.out_width; ++column) {
      for (size_t k = 0; k < problem.out_channels; ++k) {
        double sum = problem.bias == nullptr ? 0 : problem.bias[k];
        for (size_t tap = 0; tap < 9; ++tap) {
          const size_t from_y = row + tap / 3 * problem.dilation - problem.pad_top;
          const size_t from_x = column + tap % 3 * problem.dilation - problem.pad_left;
          if (from_y >= problem.height || from_x >= problem.width) continue;
          for (size_t c = 0; c < problem.in_channels; ++c)
            sum += double{x[(from_y * problem.width + from_x) * problem.in_channels + c]} *
                   weights[(k * problem.in_channels + c) * 9 + tap];
        }
        if (!residual.empty()) sum += residual[y.size()];
        y.push_back(std::clamp<double>(sum, problem.low, problem.high));
      }
    }
  }
  return y;
}

// Everything drawn; the error of all results together.
void check(Winograd problem, bool with_residual, bool with_bias) {
  Rng random(problem.height * 100 + problem.width);
  auto x = draw(random, problem.height * problem.width * problem.in_channels, 1);
  auto weights = draw(random, problem.out_channels * problem.in_channels * 9, 0.1);
  const auto bias = draw(random, problem.out_channels, 1);
  const size_t count = problem.out_height * problem.out_width * problem.out_channels;
  auto residual = draw(random, with_residual ? count : 0, 1);
  const auto half = rounded(x);
  auto y = rounded(residual);  // the residual is written over
  y.resize(count + 1, Bf16{0x1234});
  if (with_bias) problem.bias = bias.data();
  const std::vector<double> wanted = by_loops(problem, x, weights, residual);
  const auto packed = pack_winograd(weights.data(), problem.out_channels, problem.in_channels);
  problem.weights = packed.data();
  std::vector<float> scratch(problem.scratch_bytes() / sizeof(float),
                             std::numeric_limits<float>::quiet_NaN());
  winograd(problem, half.data(), with_residual ? y.data() : nullptr, y.data(), scratch.data());
  EXPECT_EQ(y.back().bits, 0x1234);
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < count; ++i) {
    const double difference = to_float(y[i]) - wanted[i];
    ASSERT_LT(std::abs(difference), 0.2) << i;
    error += difference * difference;
    size += wanted[i] * wanted[i];
  }
  EXPECT_LT(std::sqrt(error / size), 0.009);
}

// The same from 8 bits, and to 8 bits or bfloat16.
template <typename Y>
void check_8_bits(Winograd problem) {
  Rng random(problem.height);
  std::vector<float> x;
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < problem.height * problem.width * problem.in_channels; ++i) {
    bytes.push_back(static_cast<uint8_t>(random.below(256)));
    x.push_back(bytes.back());
  }
  const auto weights = draw(random, problem.out_channels * problem.in_channels * 9, 0.04);
  const std::vector<float> bias(problem.out_channels, 100.F);
  problem.bias = bias.data();
  const std::vector<double> wanted = by_loops(problem, x, weights, {});
  const auto packed = pack_winograd(weights.data(), problem.out_channels, problem.in_channels);
  problem.weights = packed.data();
  std::vector<float> scratch(problem.scratch_bytes() / sizeof(float));
  std::vector<Y> y(wanted.size());
  if constexpr (std::is_same_v<Y, uint8_t>)
    winograd(problem, bytes.data(), y.data(), scratch.data());
  else
    winograd(problem, bytes.data(), nullptr, y.data(), scratch.data());
  double error = 0;
  double spread = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    double number = 0;
    if constexpr (std::is_same_v<Y, uint8_t>)
      number = y[i];
    else
      number = to_float(y[i]);
    ASSERT_NEAR(number, wanted[i], 4) << i;
    error += (number - wanted[i]) * (number - wanted[i]);
    spread += (wanted[i] - 100) * (wanted[i] - 100);
  }
  EXPECT_LT(std::sqrt(error / spread), 0.012);
}

TEST(winograd, reads_and_writes_8_bits) {
  if (!has_avx512_bf16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  Winograd problem;
  problem.in_channels = 32;
  problem.out_channels = 48;
  problem.height = problem.out_height = 9;
  problem.width = problem.out_width = 13;
  problem.pad_top = problem.pad_left = 1;
  problem.low = 20;
  problem.high = 255;
  check_8_bits<uint8_t>(problem);
  check_8_bits<Bf16>(problem);
}

TEST(winograd, equals_plain_loops_for_sizes_channels_and_dilations) {
  if (!has_avx512_bf16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  for (const size_t dilation : {1, 2}) {
    for (const auto& [height, width] : {std::pair{1, 1}, {2, 4}, {6, 13}}) {
      for (const auto& [in, out] : {std::pair{16, 16}, {48, 80}}) {
        for (const size_t pad : {0, 1, 2}) {
          Winograd problem;
          problem.in_channels = static_cast<size_t>(in);
          problem.out_channels = static_cast<size_t>(out);
          problem.height = static_cast<size_t>(height) + 2 * dilation;
          problem.width = static_cast<size_t>(width) + 2 * dilation;
          problem.pad_top = pad;
          problem.pad_left = pad / 2;
          problem.out_height = static_cast<size_t>(height) + pad;
          problem.out_width = static_cast<size_t>(width) + pad / 2;
          problem.dilation = dilation;
          problem.low = pad == 0 ? -kInfinity : 0;
          problem.high = pad == 2 ? 3 : kInfinity;
          SCOPED_TRACE(testing::Message() << dilation << ", " << height << " x " << width << ", "
                                          << in << " to " << out << ", " << pad);
          check(problem, pad != 1, pad != 2);
        }
      }
    }
  }
}

}  // namespace
}  // namespace cairn::engine::kernels
