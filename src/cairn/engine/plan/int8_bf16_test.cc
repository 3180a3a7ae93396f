// Plans in 8 bits and bfloat16: what is fused around convolutions of 8 bits.
#include <gtest/gtest.h>

#include <cmath>

#include "cairn/engine/testing/int8_graphs.h"

namespace cairn::engine {
namespace {

using testing::add_grid;
using testing::add_int8_conv;
using testing::add_weights;
using testing::expect_near;
using testing::has_bf16_products;
using testing::has_bf16_products_in_vectors;
using testing::image;
using testing::kShifted;
using testing::kSigned;
using testing::kUnsigned;
using testing::NodeBuilder;
using testing::OnnxBuilder;
using testing::with_channels;

TEST(int8, inverted_residuals_are_near_the_reference) {
  for (const bool quantised_depthwise : {false, true}) {
    // Steps no larger than what bfloat16 loses, so that the numbers that fall to the other side of
    // one do not count for more.
    const Grid fine{DType::kU8, 0.0031193F, 0};
    OnnxBuilder builder = with_channels(16);
    add_grid(builder, "x", "x8", kShifted);
    add_int8_conv(builder, "x8", "wide", 16, 64);
    builder.node("Relu", {"wide"}, {"r"});
    std::string map = "r";
    if (quantised_depthwise) {
      add_grid(builder, "r", "r8", fine);
      add_weights(builder, "d_w", {64, 1, 3, 3});
      map = "r8";
    } else {
      builder.weights("d_w", {64, 1, 3, 3});
    }
    builder.node("Conv", {map, "d_w"}, {"d"}).number("group", 64).ints("pads", {1, 1, 1, 1});
    builder.node("Relu", {"d"}, {"a"});
    add_grid(builder, "a", "a8", fine);
    add_weights(builder, "p_w", {24, 64, 1, 1});
    builder.node("Conv", {"a8", "p_w"}, {"y"});
    const TensorMap inputs = image(16, 30, 33);
    expect_near(builder, inputs, Precision::kF32, 0.01);
    expect_near(builder, inputs, Precision::kBf16, 0.03);
  }
}

// An inverted residual of grids, whose first convolution reads a photo (3x3, stride 2) or a map
// (1x1); y is on a grid.
OnnxBuilder inverted_residual(int64_t channels) {
  OnnxBuilder builder = with_channels(channels);
  add_grid(builder, "x", "x8", kShifted);
  const int64_t window = channels == 3 ? 3 : 1;
  add_weights(builder, "wide_w", {40, channels, window, window});
  builder.weights("wide_b", {40});
  NodeBuilder wide = builder.node("Conv", {"x8", "wide_w", "wide_b"}, {"wide"});
  if (channels == 3) wide.ints("strides", {2, 2}).ints("pads", {1, 1, 1, 1});
  builder.node("Relu", {"wide"}, {"r"});
  builder.weights("d_w", {40, 1, 5, 5}).weights("d_b", {40});
  builder.node("Conv", {"r", "d_w", "d_b"}, {"d"})
      .number("group", 40)
      .ints("strides", {2, 2})
      .ints("pads", {2, 2, 2, 2});
  builder.node("Relu", {"d"}, {"a"});
  add_grid(builder, "a", "y", kShifted);
  return builder;
}

TEST(int8, the_wide_map_of_an_inverted_residual_is_made_of_8_bits_in_one_step) {
  for (const int64_t channels : {3, 16}) {
    const OnnxBuilder builder = inverted_residual(channels);
    for (const int64_t size : {5, 22}) {
      const TensorMap inputs = image(channels, size, size + 3);
      const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
      const Tensor y = Executor(builder.model(), Precision::kBf16).run(inputs).at("y");
      size_t different = 0;
      const bool ours = has_bf16_products();
      for (size_t i = 0; i < y.count(); ++i) {
        const float off = std::abs(y.data<float>()[i] - expected.data<float>()[i]);
        if (off > 0.01F * kShifted.scale) ++different;
        EXPECT_LE(off, (ours ? 1.01F : 3.01F) * kShifted.scale);
      }
      if (!ours) continue;
      EXPECT_LE(different, y.count() / 200 + 1);
      const auto plan = Executor(builder.model(), Precision::kBf16).summarise(inputs);
      EXPECT_EQ(plan.labels.at("Conv+depthwise"), 1);
      EXPECT_FALSE(plan.labels.contains("Conv int8"));
      EXPECT_EQ(plan.labels.at("quantise"), 1);    // the input
      EXPECT_EQ(plan.labels.at("dequantise"), 1);  // the output
    }
  }
}

// An inverted residual with squeeze-and-excitation; the gated map may have another reader.
OnnxBuilder gated_residual(bool another_reader) {
  OnnxBuilder builder = with_channels(24);
  const Grid narrow{DType::kU8, 0.0231137F, 117};
  add_grid(builder, "x", "x8", kShifted);
  add_weights(builder, "wide_w", {40, 24, 1, 1});
  builder.node("Conv", {"x8", "wide_w"}, {"wide"});
  builder.node("Relu", {"wide"}, {"r"});
  builder.weights("d_w", {40, 1, 3, 3});
  builder.node("Conv", {"r", "d_w"}, {"d"}).number("group", 40).ints("pads", {1, 1, 1, 1});
  builder.node("GlobalAveragePool", {"d"}, {"mean"});
  builder.weights("gate_w", {40, 40, 1, 1});
  builder.node("Conv", {"mean", "gate_w"}, {"g"});
  builder.node("Sigmoid", {"g"}, {"gate"});
  builder.node("Mul", {"d", "gate"}, {"gated"});
  add_grid(builder, "gated", "gated8", Grid{DType::kU8, 0.0112431F, 140});
  add_weights(builder, "p_w", {24, 40, 1, 1});
  builder.weights("p_b", {24});
  builder.node("Conv", {"gated8", "p_w", "p_b"}, {"p"});
  builder.node("Add", {"p", "x8"}, {"sum"});
  add_grid(builder, "sum", "y", narrow);
  if (another_reader) {
    builder.node("Relu", {"gated8"}, {"z"});
    builder.output("z");
  }
  return builder;
}

TEST(int8, convolutions_take_in_the_gate_before_them_where_nobody_else_reads_it) {
  for (const bool another_reader : {false, true}) {
    const OnnxBuilder builder = gated_residual(another_reader);
    const TensorMap inputs = image(24, 17, 20);
    Executor executor = expect_near(builder, inputs, Precision::kBf16, 0.03);
    if (!has_bf16_products_in_vectors()) continue;
    const auto plan = executor.summarise(inputs);
    EXPECT_EQ(plan.labels.contains("gate+Conv int8"), !another_reader);
    EXPECT_EQ(plan.labels.contains("gate"), another_reader);
    EXPECT_EQ(plan.labels.contains("Conv int8"), another_reader);
  }
}

TEST(int8, in_bfloat16_plans_maps_times_gates_are_added_to_a_grid) {
  for (const Grid& grid : {kShifted, kSigned}) {
    OnnxBuilder builder = with_channels(16);
    add_grid(builder, "x", "x8", kShifted);
    for (const std::string part : {"a", "b"}) {
      add_int8_conv(builder, "x8", part, 16, 24);
      builder.node("GlobalAveragePool", {part}, {part + "_mean"});
      builder.node("Sigmoid", {part + "_mean"}, {part + "_gate"});
      builder.node("Mul", {part, part + "_gate"}, {part + "_gated"});
    }
    builder.node("Add", {"a_gated", "b_gated"}, {"sum"});
    add_grid(builder, "sum", "s8", grid);
    add_int8_conv(builder, "s8", "y", 24, 16);
    const TensorMap inputs = image(16, 9, 14);
    Executor executor = expect_near(builder, inputs, Precision::kBf16, 0.03);
    if (!has_bf16_products()) continue;
    const auto labels = executor.summarise(inputs).labels;
    EXPECT_EQ(labels.at("weighted sum"), 1);
    EXPECT_EQ(labels.at("quantise"), grid.type == DType::kU8 ? 1 : 2);
  }
}

TEST(int8, in_bfloat16_plans_a_norm_of_half_of_the_channels_ends_on_a_grid) {
  for (const Grid& grid : {kUnsigned, kShifted, kSigned}) {
    OnnxBuilder builder = with_channels(16);
    add_grid(builder, "x", "x8", kShifted);
    add_int8_conv(builder, "x8", "a", 16, 32);
    add_int8_conv(builder, "x8", "b", 16, 24);
    builder.weights("scale", {32}).weights("shift", {32});
    builder.node("InstanceNormalization", {"a", "scale", "shift"}, {"n"});
    builder.node("Relu", {"n"}, {"r"});
    builder.node("Concat", {"r", "b"}, {"joined"}).number("axis", 1);
    add_grid(builder, "joined", "j8", grid);
    add_int8_conv(builder, "j8", "y", 56, 16);
    const TensorMap inputs = image(16, 20, 25);
    Executor executor = expect_near(builder, inputs, Precision::kBf16, 0.03);
    expect_near(builder, inputs, Precision::kF32, 0.004);
    if (dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16) {
      const auto labels = executor.summarise(inputs).labels;
      EXPECT_EQ(labels.at("quantise"), grid.type == DType::kU8 ? 1 : 2);
      EXPECT_FALSE(labels.contains("eltwise"));
    }
  }
}

TEST(int8, in_bfloat16_plans_wide_convolutions_are_winograds) {
  for (const bool to_grid : {true, false}) {
    OnnxBuilder builder = with_channels(128);
    builder.node("Relu", {"x"}, {"r"});
    add_grid(builder, "r", "r8", kUnsigned);
    add_int8_conv(builder, "r8", "c", 128, 144);
    builder.node("Relu", {"c"}, {to_grid ? "a" : "y"});
    if (to_grid) add_grid(builder, "a", "y", Grid{DType::kU8, 0.0293F, 3});
    const TensorMap inputs = image(128, 17, 19, 2);
    Executor executor = expect_near(builder, inputs, Precision::kBf16, 0.015);
    if (!has_bf16_products_in_vectors()) continue;
    EXPECT_EQ(executor.summarise(inputs).labels.at("Conv (Winograd)"), 1);
  }
}

}  // namespace
}  // namespace cairn::engine
