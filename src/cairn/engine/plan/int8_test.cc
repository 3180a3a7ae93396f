// Plans of graphs with QuantizeLinear and DequantizeLinear: convolutions of 8 bits by 8 bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cairn/engine/testing/int8_graphs.h"

namespace cairn::engine {
namespace {

using testing::add_grid;
using testing::add_int8_conv;
using testing::add_weights;
using testing::count_int8;
using testing::expect_near;
using testing::expect_reference;
using testing::has_bf16_products;
using testing::image;
using testing::kShifted;
using testing::kSigned;
using testing::kUnsigned;
using testing::OnnxBuilder;
using testing::processor_multiplies_bytes;
using testing::summary;
using testing::with_channels;

TEST(int8, convolutions_are_exact_on_every_grid) {
  for (const Grid& grid : {kSigned, kShifted, kUnsigned, Grid{DType::kI8, 0.01F, -7}}) {
    for (const int64_t channels : {16, 3, 17, 64}) {
      OnnxBuilder builder = with_channels(channels);
      add_grid(builder, "x", "x8", grid);
      add_int8_conv(builder, "x8", "y", channels, 24);
      expect_reference(builder, image(channels), 1);
    }
  }
}

TEST(int8, convolutions_with_groups_strides_and_no_bias) {
  for (const Grid& grid : {kSigned, kShifted}) {
    for (const int64_t groups : {int64_t{1}, int64_t{2}, int64_t{8}, int64_t{32}}) {
      OnnxBuilder builder = with_channels(32);
      add_grid(builder, "x", "x8", grid);
      add_weights(builder, "w", {32, 32 / groups, 3, 3});
      builder.node("Conv", {"x8", "w"}, {"y"})
          .number("group", groups)
          .ints("strides", {2, 2})
          .ints("pads", {0, 0, 1, 1});
      expect_reference(builder, image(32, 12, 9), 1);
    }
  }
}

TEST(int8, convolutions_of_small_groups_to_a_grid) {
  for (const int64_t groups : {2, 8, 16}) {
    for (const int64_t stride : {1, 2}) {
      OnnxBuilder builder = with_channels(64);
      add_grid(builder, "x", "x8", kShifted);
      add_int8_conv(builder, "x8", "c", 64, 64, groups).ints("strides", {stride, stride});
      builder.node("Relu", {"c"}, {"r"});
      const Grid grid{DType::kU8, 0.0213F, 5};
      add_grid(builder, "r", "y", grid);
      const TensorMap inputs = image(64, 9, 21);
      expect_reference(builder, inputs, 1, grid.scale);
      EXPECT_EQ(summary(builder, inputs).labels.contains("Conv (groups)"), has_bf16_products());
    }
  }
}

TEST(int8, activations_happen_before_the_result_is_quantised) {
  for (const char* activation : {"Relu", "Clip", "HardSwish", "LeakyRelu", "Silu", ""}) {
    for (const Grid& grid : {kUnsigned, kShifted, kSigned}) {
      OnnxBuilder builder = with_channels(16);
      add_grid(builder, "x", "x8", kShifted);
      add_int8_conv(builder, "x8", "c", 16, 32);
      std::string last = "a";
      if (activation == std::string("Silu")) {
        builder.node("Sigmoid", {"c"}, {"s"});
        builder.node("Mul", {"c", "s"}, {"a"});
      } else if (activation == std::string("Clip")) {
        builder.constant("low", Tensor::from_f32({}, std::vector<float>{0}));
        builder.constant("high", Tensor::from_f32({}, std::vector<float>{0.75F}));
        builder.node("Clip", {"c", "low", "high"}, {"a"});
      } else if (activation == std::string("HardSwish")) {
        builder.node("HardSigmoid", {"c"}, {"s"}).real("alpha", 1.F / 6).real("beta", 0.5F);
        builder.node("Mul", {"c", "s"}, {"a"});
      } else if (*activation != 0) {
        builder.node(activation, {"c"}, {"a"});
      } else {
        last = "c";
      }
      add_grid(builder, last, "y", grid);
      expect_reference(builder, image(16), 1, grid.scale);
    }
  }
}

// Two residual units as in ResNet; the first's skip is needed once more afterwards.
OnnxBuilder residual(const Grid& skip, const Grid& inner) {
  OnnxBuilder builder = with_channels(3);
  add_grid(builder, "x", "x8", kShifted);
  add_int8_conv(builder, "x8", "c0", 3, 32);
  add_grid(builder, "c0", "a0", skip);
  add_int8_conv(builder, "a0", "c1", 32, 32);
  builder.node("Relu", {"c1"}, {"r1"});
  add_grid(builder, "r1", "a1", inner);
  add_int8_conv(builder, "a1", "c2", 32, 32);
  builder.node("Add", {"c2", "a0"}, {"s2"});
  builder.node("Relu", {"s2"}, {"r2"});
  add_grid(builder, "r2", "a2", kUnsigned);
  add_int8_conv(builder, "a2", "c3", 32, 32);
  builder.node("Add", {"a0", "c3"}, {"s3"});
  add_grid(builder, "s3", "y", kShifted);
  return builder;
}

TEST(int8, residuals_are_added_in_8_bits) {
  for (const Grid& skip : {kUnsigned, kShifted, kSigned})
    expect_reference(residual(skip, kUnsigned), image(3, 12, 10), 4, kShifted.scale);
}

TEST(int8, maps_stay_in_8_bits_between_convolutions) {
  if (!processor_multiplies_bytes()) GTEST_SKIP() << "this processor does not multiply bytes";
  const auto plan = Executor(residual(kUnsigned, kUnsigned).model()).summarise(image(3, 12, 10));
  EXPECT_EQ(plan.reorders, 1u);  // the output: the photo is quantised from its planes
  EXPECT_EQ(plan.labels.at("quantise"), 1);
  EXPECT_EQ(plan.labels.at("dequantise"), 1);
  EXPECT_EQ(plan.labels.at("copy"), 1);  // of the skip that is needed again
}

TEST(int8, a_residual_that_is_no_grid_is_added_as_it_is) {
  OnnxBuilder builder = with_channels(32);
  add_grid(builder, "x", "x8", kShifted);
  add_int8_conv(builder, "x8", "c", 32, 32);
  builder.node("Add", {"c", "x"}, {"s"});
  builder.node("Relu", {"s"}, {"r"});
  add_grid(builder, "r", "y", kUnsigned);
  expect_reference(builder, image(32, 12, 10), 1, kUnsigned.scale);
  OnnxBuilder open = with_channels(32);  // and without a grid at the end
  add_grid(open, "x", "x8", kShifted);
  add_int8_conv(open, "x8", "c", 32, 32);
  open.node("Add", {"c", "x8"}, {"y"});
  expect_reference(open, image(32, 12, 10), 1);
}

TEST(int8, pools_gates_and_norms_read_8_bits) {
  OnnxBuilder builder = with_channels(16);
  add_grid(builder, "x", "x8", kShifted);
  add_int8_conv(builder, "x8", "c", 16, 32);
  builder.node("Relu", {"c"}, {"r"});
  add_grid(builder, "r", "a", kUnsigned);
  builder.node("MaxPool", {"a"}, {"p"}).ints("kernel_shape", {3, 3}).ints("pads", {1, 1, 1, 1});
  add_grid(builder, "p", "p8", kUnsigned);
  add_int8_conv(builder, "p8", "d", 32, 32);
  builder.node("GlobalAveragePool", {"p8"}, {"mean"});
  builder.weights("gate_w", {32, 32, 1, 1});
  builder.node("Conv", {"mean", "gate_w"}, {"gate"});
  builder.node("Sigmoid", {"gate"}, {"s"});
  builder.node("Mul", {"p8", "s"}, {"gated"});
  builder.weights("scale", {32}).weights("shift", {32});
  builder.node("InstanceNormalization", {"p8", "scale", "shift"}, {"n"});
  builder.node("AveragePool", {"p8"}, {"v"})
      .ints("kernel_shape", {3, 3})
      .ints("pads", {1, 1, 1, 1});
  builder.node("Concat", {"d", "gated", "n", "v", "p8"}, {"y"}).number("axis", 1);
  expect_reference(builder, image(16, 8, 8), 2);
}

// A squeezed and excited unit; the map before the gate lies on a grid or not.
OnnxBuilder gated_unit(int64_t channels, bool with_residual, bool map_on_grid) {
  OnnxBuilder builder = with_channels(16);
  add_grid(builder, "x", "x8", kShifted);
  add_int8_conv(builder, "x8", "s", 16, channels);
  add_grid(builder, "s", "skip", kShifted);
  add_int8_conv(builder, "skip", "c", channels, channels);
  const std::string map = map_on_grid ? "map" : "c";
  if (map_on_grid) add_grid(builder, "c", "map", Grid{DType::kU8, 0.0112431F, 140});
  builder.node("GlobalAveragePool", {map}, {"mean"});
  builder.weights("gate_w", {channels, channels, 1, 1});
  builder.node("Conv", {"mean", "gate_w"}, {"g"});
  builder.node("Sigmoid", {"g"}, {"gate"});
  builder.node("Mul", {map, "gate"}, {"gated"});
  if (with_residual) builder.node("Add", {"skip", "gated"}, {"sum"});
  builder.node("Relu", {with_residual ? "sum" : "gated"}, {"r"});
  add_grid(builder, "r", "y", kUnsigned);
  return builder;
}

TEST(int8, gates_with_residuals_stay_in_8_bits) {
  for (const int64_t channels : {16, 21}) {
    for (const bool with_residual : {false, true}) {
      for (const bool map_on_grid : {false, true}) {
        const OnnxBuilder builder = gated_unit(channels, with_residual, map_on_grid);
        expect_reference(builder, image(16, 9, 11), 2, kUnsigned.scale);
        if (!processor_multiplies_bytes()) continue;
        const auto plan = Executor(builder.model()).summarise(image(16, 9, 11));
        EXPECT_EQ(plan.labels.at("gate"), 1);
        EXPECT_EQ(plan.labels.at("dequantise"), 1);  // of the output
        EXPECT_EQ(plan.labels.at("quantise"), 1);    // of the input
      }
    }
  }
}

TEST(int8, gates_in_bfloat16_plans_are_near_the_reference) {
  for (const bool map_on_grid : {false, true}) {
    const OnnxBuilder builder = gated_unit(32, true, map_on_grid);
    expect_near(builder, image(16), Precision::kBf16, 0.03);
  }
}

TEST(int8, float_convolutions_of_quantised_maps_are_float) {
  OnnxBuilder builder = with_channels(16);
  add_grid(builder, "x", "x8", kShifted);
  testing::add_conv(builder, "x8", "c", 16, 32);
  builder.node("Relu", {"c"}, {"r"});
  add_grid(builder, "r", "r8", kUnsigned);
  add_int8_conv(builder, "r8", "y", 32, 32);
  expect_reference(builder, image(16), 1, 1e-4F);
}

TEST(int8, weights_off_the_grid_or_with_zero_points_are_float) {
  for (const int kind : {0, 1, 2}) {
    OnnxBuilder builder = with_channels(16);
    add_grid(builder, "x", "x8", kShifted);
    Tensor values(DType::kI8, {16, 16, 1, 1});
    std::fill_n(values.data<int8_t>(), values.count(), int8_t{3});
    Tensor zeros(DType::kI8, {16});
    std::fill_n(zeros.data<int8_t>(), 16, static_cast<int8_t>(kind == 0 ? 1 : 0));
    std::vector<float> scales(16, 0.01F);
    if (kind == 2) scales[5] = -0.01F;
    builder.constant("w8", values).constant("zeros", zeros);
    builder.constant("scales", Tensor::from_f32({16}, scales));
    // kind 1: one scale for each channel of the input
    builder.node("DequantizeLinear", {"w8", "scales", "zeros"}, {"w"}).number("axis", kind == 1);
    builder.node("Conv", {"x8", "w"}, {"y"});
    expect_reference(builder, image(16), 0, 1e-5F);
  }
}

TEST(int8, a_batch_norm_after_the_weights_keeps_the_result) {
  OnnxBuilder builder = with_channels(16);
  add_grid(builder, "x", "x8", kShifted);
  add_int8_conv(builder, "x8", "c", 16, 16);
  for (const char* part : {"scale", "shift", "mean"}) builder.weights(part, {16});
  builder.constant("variance", Tensor::from_f32({16}, std::vector<float>(16, 0.7F)));
  builder.node("BatchNormalization", {"c", "scale", "shift", "mean", "variance"}, {"y"});
  EXPECT_EQ(count_int8(builder, image(16)), 0);  // it has changed the weights
  testing::expect_same_as_reference(builder, image(16));
}

TEST(int8, in_bfloat16_plans_what_is_not_quantised_is_bfloat16) {
  expect_near(residual(kUnsigned, kUnsigned), image(3, 24, 20), Precision::kBf16, 0.03);
}

}  // namespace
}  // namespace cairn::engine
