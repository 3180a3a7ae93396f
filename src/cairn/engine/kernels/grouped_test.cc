// The kernel against plain loops.
#include "cairn/engine/kernels/grouped.h"

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

// What the kernel is to write, before it is rounded.
template <typename X, typename W>
std::vector<double> by_loops(const Grouped& problem, const std::vector<X>& x,
                             const std::vector<W>& weights) {
  const auto number = [&](size_t y, size_t column, size_t channel) {
    if (y >= problem.height || column >= problem.width) return static_cast<double>(problem.zero);
    return static_cast<double>(x[(y * problem.width + column) * problem.channels + channel]);
  };
  std::vector<double> results;
  for (size_t row = 0; row < problem.out_height; ++row) {
    for (size_t column = 0; column < problem.out_width; ++column) {
      for (size_t k = 0; k < problem.channels; ++k) {
        double sum = 0;
        for (size_t tap = 0; tap < 9; ++tap)
          for (size_t c = 0; c < problem.group; ++c)
            sum += number(row * problem.stride + tap / 3 - problem.pad_top,
                          column * problem.stride + tap % 3 - problem.pad_left,
                          k / problem.group * problem.group + c) *
                   static_cast<double>(weights[(k * problem.group + c) * 9 + tap]);
        if (problem.scale != nullptr) sum *= problem.scale[k];
        if (problem.bias != nullptr) sum += problem.bias[k];
        results.push_back(std::clamp<double>(sum, problem.low, problem.high));
      }
    }
  }
  return results;
}

std::vector<float> draw(Rng& random, size_t count, double largest) {
  std::vector<float> numbers(count);
  for (float& number : numbers)  // which bfloat16 holds
    number = to_float(to_bf16(static_cast<float>(random.uniform(-largest, largest))));
  return numbers;
}

void check_bf16(Grouped problem) {
  Rng random(problem.group);
  const auto x = draw(random, problem.height * problem.width * problem.channels, 1);
  const auto weights = draw(random, problem.channels * problem.group * 9, 0.2);
  const auto bias = draw(random, problem.channels, 1);
  if (problem.stride == 1) problem.bias = bias.data();
  problem.low = problem.stride == 2 ? -kInfinity : 0;
  problem.high = problem.group == 8 ? 0.5F : kInfinity;
  const auto wanted = by_loops(problem, x, weights);
  std::vector<Bf16> half(x.size());
  std::transform(x.begin(), x.end(), half.begin(), to_bf16);
  const auto packed = pack_grouped(weights.data(), problem.channels, problem.group);
  problem.weights = packed.data();
  std::vector<float> scratch(problem.scratch_bytes() / sizeof(float) + 1,
                             std::numeric_limits<float>::quiet_NaN());
  std::vector<Bf16> y(wanted.size() + 1, Bf16{0x1234});
  grouped(problem, half.data(), y.data(), scratch.data());
  EXPECT_EQ(y.back().bits, 0x1234);
  for (size_t i = 0; i < wanted.size(); ++i)
    ASSERT_NEAR(to_float(y[i]), wanted[i], std::abs(wanted[i]) / 256 + 1e-5) << i;
}

template <typename Y>
void check_8_bits(Grouped problem) {
  Rng random(problem.group);
  std::vector<uint8_t> x(problem.height * problem.width * problem.channels);
  for (uint8_t& number : x) number = static_cast<uint8_t>(random.below(256));
  std::vector<int8_t> weights(problem.channels * problem.group * 9);
  for (int8_t& weight : weights) weight = static_cast<int8_t>(int(random.below(256)) - 128);
  std::vector<float> scale(problem.channels);
  for (float& factor : scale)
    factor = static_cast<float>(random.uniform(0.001, 0.01) / std::sqrt(problem.group));
  const auto bias = draw(random, problem.channels, 100);
  problem.scale = scale.data();
  problem.bias = bias.data();
  problem.zero = 7;
  problem.low = 3;
  problem.high = 255;
  const auto wanted = by_loops(problem, x, weights);
  const auto packed = pack_grouped(weights.data(), problem.channels, problem.group);
  problem.weights = packed.data();
  std::vector<float> scratch(problem.scratch_bytes() / sizeof(float) + 1);
  std::vector<Y> y(wanted.size());
  grouped(problem, x.data(), y.data(), scratch.data());
  for (size_t i = 0; i < wanted.size(); ++i) {
    if constexpr (std::is_same_v<Y, uint8_t>)
      ASSERT_NEAR(y[i], wanted[i], 0.5001) << i;
    else
      ASSERT_NEAR(to_float(y[i]), wanted[i], wanted[i] / 256) << i;
  }
}

TEST(grouped, equals_plain_loops_for_all_groups_strides_and_sizes) {
  if (!has_avx512_bf16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  for (const size_t group : {4, 8, 16, 32, 48}) {
    for (const size_t stride : {1, 2}) {
      for (const auto& [height, width] : {std::pair{1, 1}, {3, 7}, {4, 17}, {5, 33}}) {
        for (const size_t pad : {0, 1}) {
          Grouped problem;
          problem.channels = 96;
          problem.group = group;
          problem.stride = stride;
          problem.height = static_cast<size_t>(height) + 2;
          problem.width = static_cast<size_t>(width) + 2;
          problem.pad_top = pad;
          problem.pad_left = 1 - pad;
          problem.out_height = (problem.height + 2 * pad - 3) / stride + 1;
          problem.out_width = (problem.width + 1 - 3) / stride + 1;
          SCOPED_TRACE(testing::Message() << group << ", " << stride << ", " << height << " x "
                                          << width << ", " << pad);
          check_bf16(problem);
          check_8_bits<uint8_t>(problem);
          check_8_bits<Bf16>(problem);
        }
      }
    }
  }
}

}  // namespace
}  // namespace cairn::engine::kernels
