#include <gtest/gtest.h>

#include <limits>

#include "cairn/base/error.h"
#include "cairn/engine/ops/op_testing.h"
#include "cairn/engine/ops/types.h"

namespace cairn::engine::ops {
namespace {

TEST(Half, survives_a_round_trip_for_every_bit_pattern) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    Half half;
    half.bits = static_cast<uint16_t>(bits);
    const auto value = static_cast<float>(half);
    if (std::isnan(value)) continue;
    ASSERT_EQ(Half(value).bits, bits);
    ASSERT_EQ(Half(static_cast<double>(value)).bits, bits);
  }
}

TEST(Half, rounds_to_nearest_even_and_overflows_to_infinity) {
  EXPECT_EQ(static_cast<float>(Half(2049.0F)), 2048.0F);
  EXPECT_EQ(static_cast<float>(Half(2051.0F)), 2052.0F);
  EXPECT_EQ(static_cast<float>(Half(2049.0 + 1e-10)), 2050.0F);
  EXPECT_TRUE(std::isinf(static_cast<float>(Half(65520.0F))));
  EXPECT_EQ(static_cast<float>(Half(65519.0F)), 65504.0F);
  EXPECT_TRUE(std::isnan(static_cast<float>(Half(NAN))));
}

TEST(Convert, saturates_floats_and_wraps_integers) {
  EXPECT_EQ(convert<int8_t>(300.0F), 127);
  EXPECT_EQ(convert<int64_t>(-1e30F), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(convert<int64_t>(1e30F), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(convert<uint8_t>(-5.0F), 0);
  EXPECT_EQ(convert<int32_t>(NAN), 0);
  EXPECT_EQ(convert<uint8_t>(int32_t{257}), 1);
  EXPECT_TRUE(convert<Bool>(0.25F));
}

TEST(Binary, broadcasts_like_numpy) {
  const Tensor a = f32({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor b = f32({2, 1}, {10, 20});
  const Tensor y = run_op("Add", {a, b})[0];
  EXPECT_EQ(y.shape(), (Shape{2, 2, 3}));
  EXPECT_EQ(values_of<float>(y),
            (std::vector<float>{11, 12, 13, 21, 22, 23, 14, 15, 16, 24, 25, 26}));
  EXPECT_EQ(run_op("Mul", {f32({}, {3}), f32({2}, {1, 2})})[0].shape(), (Shape{2}));
  EXPECT_EQ(run_op("Sub", {f32({0, 3}, {}), f32({3}, {1, 2, 3})})[0].shape(), (Shape{0, 3}));
}

TEST(Binary, refuses_shapes_that_do_not_broadcast_and_mixed_types) {
  EXPECT_THROW(run_op("Add", {f32({2}, {1, 2}), f32({3}, {1, 2, 3})}), Error);
  EXPECT_THROW(run_op("Add", {f32({1}, {1}), i64({1}, {1})}), Error);
  EXPECT_THROW(run_op("Add", {f32({1}, {1})}), Error);
}

TEST(Binary, integer_arithmetic_never_traps) {
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(values_of<int64_t>(run_op("Div", {i64({1}, {lowest}), i64({1}, {-1})})[0])[0], lowest);
  EXPECT_EQ(values_of<int64_t>(run_op("Mod", {i64({1}, {lowest}), i64({1}, {-1})})[0])[0], 0);
  EXPECT_EQ(values_of<int64_t>(run_op("Mul", {i64({1}, {lowest}), i64({1}, {3})})[0])[0], lowest);
  EXPECT_THROW(run_op("Div", {i64({1}, {1}), i64({1}, {0})}), Error);
  EXPECT_THROW(run_op("Mod", {i64({1}, {1}), i64({1}, {0})}), Error);
}

TEST(Binary, mean_and_max_take_any_number_of_inputs) {
  const std::vector<Tensor> inputs{f32({2}, {1, 9}), f32({1}, {4}), f32({2, 1}, {7, 1})};
  EXPECT_EQ(values_of<float>(run_op("Max", inputs)[0]), (std::vector<float>{7, 9, 4, 9}));
  EXPECT_EQ(values_of<float>(run_op("Mean", inputs)[0])[0], 4.0F);
}

TEST(Clip, takes_limits_from_attributes_before_opset_11_and_from_inputs_since) {
  const Tensor x = f32({3}, {-2, 0.5F, 9});
  const auto old = run_op("Clip", {x}, {{"min", 0.0F}, {"max", 6.0F}}, 6)[0];
  EXPECT_EQ(values_of<float>(old), (std::vector<float>{0, 0.5F, 6}));
  const auto now = run_op("Clip", {x, f32({}, {-1})}, {}, 11)[0];
  EXPECT_EQ(values_of<float>(now), (std::vector<float>{-1, 0.5F, 9}));
}

TEST(Activations, propagate_nan_and_survive_large_values) {
  EXPECT_TRUE(std::isnan(values_of<float>(run_op("Relu", {f32({1}, {NAN})})[0])[0]));
  EXPECT_EQ(values_of<float>(run_op("Softplus", {f32({1}, {1000})})[0])[0], 1000.0F);
  EXPECT_EQ(values_of<float>(run_op("Sigmoid", {f32({1}, {-1000})})[0])[0], 0.0F);
}

TEST(Unary, rounds_ties_to_even) {
  const auto y = run_op("Round", {f32({4}, {0.5F, 1.5F, -2.5F, 8388609.0F})})[0];
  EXPECT_EQ(values_of<float>(y), (std::vector<float>{0, 2, -2, 8388609.0F}));
}

TEST(OpContext, names_the_node_in_its_errors) {
  try {
    run_op("Sin", {i64({1}, {1})});
    FAIL() << "Sin of int64 must fail";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "Sin node \"tested\": unsupported type int64");
  }
}

}  // namespace
}  // namespace cairn::engine::ops
