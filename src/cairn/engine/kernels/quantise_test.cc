#include "cairn/engine/kernels/quantise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cairn/engine/testing/int8_graphs.h"

namespace cairn::engine {
namespace {

using testing::image;
using testing::kShifted;

TEST(quantise, photos_are_quantised_and_interleaved_at_once) {
  const TensorMap inputs = image(3, 13, 11, 1);
  const Tensor& x = inputs.at("x");
  constexpr size_t kPositions = 13 * 11;
  for (size_t positions : {kPositions, size_t{1}, size_t{17}}) {
    std::vector<uint8_t> y(3 * positions);
    kernels::quantise_planes(x.data<float>(), y.data(), kShifted.scale, kShifted.zero, positions);
    for (size_t c = 0; c < 3; ++c) {
      std::vector<uint8_t> plane(positions);
      kernels::quantise(x.data<float>() + c * positions, plane.data(), kShifted.scale,
                        kShifted.zero, positions);
      for (size_t i = 0; i < positions; ++i) EXPECT_EQ(y[3 * i + c], plane[i]);
    }
  }
}

template <typename Byte>
void expect_kernels_as_written(int32_t zero) {
  constexpr float kScale = 0.37F;
  std::vector<float> x = {0,     0.185F, -0.185F,        0.555F,
                          1e30F, -1e30F, 17.5F * kScale, 18.5F * kScale};
  for (int i = 0; i < 60; ++i) x.push_back(static_cast<float>(i * 7 % 61 - 30) * 2.3F);
  for (size_t count = 1; count <= x.size(); count += 13) {
    std::vector<Byte> y(count);
    kernels::quantise(x.data(), y.data(), kScale, zero, count);
    std::vector<float> back(count);
    kernels::dequantise(y.data(), back.data(), kScale, zero, count);
    for (size_t i = 0; i < count; ++i) {
      const float lowest = std::numeric_limits<Byte>::min(),
                  most = std::numeric_limits<Byte>::max();
      const float steps = std::nearbyint(x[i] / kScale) + static_cast<float>(zero);
      EXPECT_EQ(static_cast<float>(y[i]), std::clamp(steps, lowest, most)) << x[i];
      EXPECT_EQ(back[i], static_cast<float>(y[i] - zero) * kScale);
    }
    std::vector<kernels::Bf16> halves(count);
    kernels::dequantise(y.data(), halves.data(), kScale, zero, count);
    std::vector<Byte> again(count);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(halves[i].bits, kernels::to_bf16(back[i]).bits);
    kernels::quantise(halves.data(), again.data(), kScale, zero, count);
    for (size_t i = 0; i < count; ++i) EXPECT_NEAR(again[i], y[i], 1);
  }
}

TEST(quantise, kernels_round_to_the_nearest_and_saturate) {
  expect_kernels_as_written<uint8_t>(0);
  expect_kernels_as_written<uint8_t>(131);
  expect_kernels_as_written<int8_t>(0);
  expect_kernels_as_written<int8_t>(-9);
}

}  // namespace
}  // namespace cairn::engine
