// Plans whose maps lie in memory as bfloat16. That every kind of graph is right in bfloat16, the
// other tests of plans see to.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <oneapi/dnnl/dnnl.hpp>

#include "cairn/base/error.h"
#include "cairn/engine/kernels/silu.h"
#include "cairn/engine/roofline.h"
#include "cairn/engine/testing/compare.h"
#include "cairn/engine/testing/processor.h"
#include "cairn/engine/testing/small_graphs.h"

namespace cairn::engine {
namespace {

using testing::add_conv;
using testing::expect_same_as_reference;
using testing::image;
using testing::OnnxBuilder;
using testing::relative_error;
using testing::with_channels;

bool processor_has_kernels() { return dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core; }

Executor::PlanSummary summary(const OnnxBuilder& builder, const TensorMap& inputs,
                              Precision precision) {
  return Executor(builder.model(), precision).summarise(inputs);
}

// Convolutions with a residual, an instance norm, a pool and a gate between them.
OnnxBuilder network() {
  OnnxBuilder builder = with_channels(3);
  add_conv(builder, "x", "stem", 3, 32);
  builder.node("Relu", {"stem"}, {"a"});
  builder.node("MaxPool", {"a"}, {"p"}).ints("kernel_shape", {2, 2}).ints("strides", {2, 2});
  builder.weights("scale", {32}).weights("shift", {32});
  add_conv(builder, "p", "b", 32, 32);
  builder.node("InstanceNormalization", {"b", "scale", "shift"}, {"n"});
  builder.node("Relu", {"n"}, {"r"});
  builder.weights("grouped_w", {32, 16, 3, 3});
  builder.node("Conv", {"r", "grouped_w"}, {"g"}).number("group", 2).ints("pads", {1, 1, 1, 1});
  builder.node("GlobalAveragePool", {"g"}, {"mean"});
  builder.weights("gate_w", {32, 32, 1, 1});
  builder.node("Conv", {"mean", "gate_w"}, {"gate"});
  builder.node("Sigmoid", {"gate"}, {"s"});
  builder.node("Mul", {"g", "s"}, {"gated"});
  builder.node("Add", {"gated", "p"}, {"sum"});
  builder.node("Relu", {"sum"}, {"out"});
  add_conv(builder, "out", "last", 32, 48);
  builder.node("GlobalAveragePool", {"last"}, {"y"});
  return builder;
}

TEST(bfloat16, halves_the_memory_and_needs_no_reorder_between_convolutions) {
  if (!processor_has_kernels()) GTEST_SKIP() << "oneDNN has no bfloat16 for this processor";
  // The memory that the convolutions work in does not grow with the maps: for the matrix unit it is
  // as large as those of a small photo.
  const auto wide = summary(network(), image(3, 120, 120, 1), Precision::kF32);
  const auto half = summary(network(), image(3, 120, 120, 1), Precision::kBf16);
  EXPECT_EQ(half.reorders, 1u);  // the photo's planes
  EXPECT_LT(half.peak_bytes, wide.peak_bytes * 3 / 4);
  expect_same_as_reference(network(), image(3, 40, 40, 1));
}

// A photo's convolution, a depthwise one, and an inverted residual with squeeze-and-excitation.
OnnxBuilder depthwise_network() {
  OnnxBuilder builder = with_channels(3);
  const auto silu = [&](const std::string& from, const std::string& to) {
    builder.node("Sigmoid", {from}, {to + "_s"});
    builder.node("Mul", {from, to + "_s"}, {to});
  };
  add_conv(builder, "x", "stem", 3, 24);
  silu("stem", "a");
  builder.weights("first_w", {24, 1, 3, 3}).weights("wide_w", {80, 24, 1, 1});
  builder.node("Conv", {"a", "first_w"}, {"b"}).number("group", 24).ints("pads", {1, 1, 1, 1});
  builder.node("Conv", {"b", "wide_w"}, {"wide"});
  silu("wide", "c");
  builder.weights("second_w", {80, 1, 5, 5}).weights("second_b", {80});
  builder.node("Conv", {"c", "second_w", "second_b"}, {"deep"})
      .number("group", 80)
      .ints("strides", {2, 2})
      .ints("pads", {2, 2, 2, 2});
  silu("deep", "d");
  builder.node("GlobalAveragePool", {"d"}, {"mean"});
  builder.weights("gate_w", {80, 80, 1, 1});
  builder.node("Conv", {"mean", "gate_w"}, {"gate"});
  builder.node("Sigmoid", {"gate"}, {"s"});
  builder.node("Mul", {"d", "s"}, {"gated"});
  builder.weights("narrow_w", {24, 80, 1, 1});
  builder.node("Conv", {"gated", "narrow_w"}, {"y"});
  return builder;
}

TEST(bfloat16, depthwise_convolutions_take_what_is_before_them_and_give_their_means) {
  for (const int64_t size : {2, 13, 40})
    expect_same_as_reference(depthwise_network(), image(3, size, size + 1));
  if (!testing::has_bf16_products()) GTEST_SKIP() << "this processor has no bfloat16 products";
  const auto plan = summary(depthwise_network(), image(3, 40, 40, 1), Precision::kBf16);
  EXPECT_EQ(plan.labels.at("Conv+depthwise"), 2);
  EXPECT_FALSE(plan.labels.contains("global mean"));
  if (dnnl::get_effective_cpu_isa() == dnnl::cpu_isa::avx512_core_bf16) {
    EXPECT_EQ(plan.labels.at("gate+Conv"), 1);
  }
  EXPECT_EQ(plan.reorders, 1u);  // the result
  EXPECT_LT(plan.peak_bytes, 2 * size_t{80 * 40 * 40});
}

TEST(bfloat16, convolutions_with_many_channels_need_fewer_multiplications) {
  for (const int64_t dilation : {1, 2}) {
    OnnxBuilder builder = with_channels(64);
    add_conv(builder, "x", "a", 64, 64);
    builder.node("Relu", {"a"}, {"b"});
    builder.weights("w", {96, 64, 3, 3}, 0.08F);
    builder.node("Conv", {"b", "w"}, {"c"})
        .ints("pads", {dilation, dilation, dilation, dilation})
        .ints("dilations", {dilation, dilation});
    add_conv(builder, "c", "d", 96, 96);
    builder.node("Add", {"d", "c"}, {"sum"});
    builder.node("Clip", {"sum"}, {"y"});
    expect_same_as_reference(builder, image(64, 17, 19));
    if (!testing::has_bf16_products_in_vectors()) continue;
    const auto plan = summary(builder, image(64, 17, 19), Precision::kBf16);
    EXPECT_EQ(plan.labels.at("Conv (Winograd)"), 3);
    EXPECT_EQ(plan.reorders, 2u);  // the input and the output
  }
}

TEST(bfloat16, convolutions_of_small_groups_need_no_reorders) {
  for (const int64_t group : {4, 8, 16, 32}) {
    OnnxBuilder builder = with_channels(64);
    add_conv(builder, "x", "a", 64, 64);
    builder.node("Relu", {"a"}, {"b"});
    builder.weights("w", {64, group, 3, 3}, 0.2F).weights("bias", {64});
    builder.node("Conv", {"b", "w", "bias"}, {"c"})
        .number("group", 64 / group)
        .ints("strides", {2, 2})
        .ints("pads", {1, 1, 1, 1});
    builder.node("Conv", {"c", "w"}, {"d"}).number("group", 64 / group);
    builder.node("Clip", {"d"}, {"y"});
    expect_same_as_reference(builder, image(64, 37, 19));
    if (!testing::has_bf16_products()) continue;
    const auto plan = summary(builder, image(64, 37, 19), Precision::kBf16);
    EXPECT_EQ(plan.labels.at("Conv (groups)"), 2);
    EXPECT_EQ(plan.reorders, 2u);  // the input and the output
  }
}

// Half of the channels are normalised, as in IBN-a (Pan et al., "Two at Once", 2018).
TEST(bfloat16, a_norm_of_half_of_the_channels_is_applied_while_they_are_joined) {
  OnnxBuilder builder = with_channels(16);
  add_conv(builder, "x", "a", 16, 32);
  add_conv(builder, "x", "b", 16, 24);
  builder.weights("scale", {32}).weights("shift", {32});
  builder.node("InstanceNormalization", {"a", "scale", "shift"}, {"n"});
  builder.node("Relu", {"n"}, {"r"});
  builder.node("Concat", {"r", "b"}, {"joined"}).number("axis", 1);
  add_conv(builder, "joined", "c", 56, 16);
  builder.node("Concat", {"n", "joined"}, {"again"}).number("axis", 1);
  add_conv(builder, "again", "d", 88, 16);
  add_conv(builder, "r", "e", 32, 16);
  builder.node("Sum", {"c", "d", "e"}, {"y"});
  const TensorMap inputs = image(16, 20, 25);
  expect_same_as_reference(builder, inputs);
  if (!processor_has_kernels()) GTEST_SKIP() << "oneDNN has no bfloat16 for this processor";
  const auto plan = summary(builder, inputs, Precision::kBf16);
  EXPECT_EQ(plan.labels.at("channels"), 1);  // what a convolution reads alone
  EXPECT_FALSE(plan.labels.contains("eltwise"));
}

// Split attention (Zhang et al., "ResNeSt", 2020), here of two maps.
OnnxBuilder split_attention(const std::string& result) {
  OnnxBuilder builder = with_channels(16);
  add_conv(builder, "x", "a", 16, 24);
  add_conv(builder, "x", "b", 16, 24);
  builder.node("GlobalAveragePool", {"a"}, {"mean"});
  builder.weights("gate_w", {24, 24, 1, 1});
  builder.node("Conv", {"mean", "gate_w"}, {"g"});
  builder.node("Mul", {"a", "g"}, {"first"});
  builder.node("Sigmoid", {"g"}, {"h"});  // after the first gate was read
  builder.node("Mul", {"b", "h"}, {"second"});
  builder.node("Add", {"first", "second"}, {result});
  return builder;
}

TEST(bfloat16, maps_times_gates_are_added_in_one_step) {
  for (const int64_t images : {1, 2}) {
    OnnxBuilder builder = split_attention("sum");
    add_conv(builder, "sum", "c", 24, 16);
    builder.node("Concat", {"c", "second"}, {"y"}).number("axis", 1);
    const TensorMap inputs = image(16, 9, 14, images);
    expect_same_as_reference(builder, inputs);
    if (!processor_has_kernels()) continue;
    const auto plan = summary(builder, inputs, Precision::kBf16);
    EXPECT_EQ(plan.labels.at("weighted sum"), 1);
    EXPECT_FALSE(plan.labels.contains("binary"));
  }
}

TEST(bfloat16, is_not_what_float32_gives_and_near_it) {
  if (!processor_has_kernels()) GTEST_SKIP() << "oneDNN has no bfloat16 for this processor";
  const TensorMap inputs = image(3, 24, 30);
  const auto model = network().model();
  const Tensor wide = Executor(model).run(inputs).at("y");
  const Tensor half = Executor(model, Precision::kBf16).run(inputs).at("y");
  EXPECT_GT(relative_error(half, wide), 1e-5);
  EXPECT_LT(relative_error(half, wide), 0.02);
}

TEST(bfloat16, convolutions_of_channels_that_fill_no_block) {
  for (const int64_t channels : {3, 17}) {
    for (const int64_t groups : {int64_t{1}, channels}) {
      OnnxBuilder builder = with_channels(channels);
      builder.weights("w", {channels, channels / groups, 3, 3}).weights("b", {channels});
      builder.weights("v", {2 * channels, channels / groups, 1, 1});
      builder.node("Conv", {"x", "w", "b"}, {"c"})
          .number("group", groups)
          .ints("pads", {1, 1, 1, 1});
      builder.node("Relu", {"c"}, {"r"});
      builder.node("Conv", {"r", "v"}, {"d"}).number("group", groups);
      builder.node("GlobalAveragePool", {"d"}, {"y"});
      expect_same_as_reference(builder, image(channels));
    }
  }
  OnnxBuilder builder = with_channels(15);  // three groups of five
  builder.weights("w", {15, 5, 3, 3});
  builder.node("Conv", {"x", "w"}, {"c"}).number("group", 3);
  add_conv(builder, "c", "y", 15, 17);
  expect_same_as_reference(builder, image(15));
}

TEST(bfloat16, pools_concatenates_and_enlarges) {
  OnnxBuilder builder = with_channels(16);
  add_conv(builder, "x", "a", 16, 32);
  builder.node("AveragePool", {"a"}, {"small"})
      .ints("kernel_shape", {2, 2})
      .ints("strides", {2, 2});
  builder.constant("scales", Tensor::from_f32({4}, std::vector<float>{1, 1, 2, 2}));
  builder.node("Resize", {"small", "", "scales"}, {"large"})
      .text("mode", "nearest")
      .text("coordinate_transformation_mode", "asymmetric")
      .text("nearest_mode", "floor");
  builder.node("Concat", {"a", "large"}, {"both"}).number("axis", 1);
  add_conv(builder, "both", "c", 64, 16);
  builder.node("GlobalMaxPool", {"c"}, {"most"});
  builder.node("Sub", {"c", "most"}, {"y"});
  expect_same_as_reference(builder, image(16, 12, 8));
  if (!processor_has_kernels()) return;
  EXPECT_EQ(summary(builder, image(16, 12, 8), Precision::kBf16).labels.count("Resize"), 1u);
}

TEST(bfloat16, means_of_many_equal_numbers_are_exact) {
  OnnxBuilder builder = with_channels(16);
  add_copy(builder, "x", "c", 16);
  builder.node("ReduceMean", {"c"}, {"y"}).ints("axes", {2, 3}).number("keepdims", 0);
  TensorMap inputs = image(16, 300, 300, 1);
  std::fill_n(inputs.at("x").data<float>(), inputs.at("x").count(), 1.5F);
  const Tensor y = Executor(builder.model(), Precision::kBf16).run(inputs).at("y");
  for (const float mean : y.values<float>()) EXPECT_EQ(mean, 1.5F);
}

TEST(bfloat16, gives_the_same_bits_in_every_run_and_executor) {
  const TensorMap inputs = image(3, 24, 30);
  Executor executor(network().model(), Precision::kBf16);
  const Tensor first = executor.run(inputs).at("y");
  Executor copy(executor);
  for (Executor* again : {&executor, &copy}) {
    const Tensor y = again->run(inputs).at("y");
    EXPECT_EQ(relative_error(y, first), 0);
  }
}

TEST(bfloat16, rounds_to_the_nearest_and_ties_to_even) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float step = std::ldexp(1.F, -7);  // between neighbours just above 1
  const std::vector<std::pair<float, float>> pairs = {
      {1 + step / 2, 1},
      {1 + step * 3 / 2, 1 + 2 * step},
      {1 + step * 0.51F, 1 + step},
      {-1 - step * 0.49F, -1},
      {0.F, 0.F},
      {kInfinity, kInfinity},
      {-kInfinity, -kInfinity},
      {std::numeric_limits<float>::max(), kInfinity},
  };
  std::vector<float> from;
  for (int i = 0; i < 5; ++i)  // in vectors, and what is left
    for (const auto& pair : pairs) from.push_back(pair.first);
  from.push_back(std::numeric_limits<float>::quiet_NaN());
  from.push_back(std::bit_cast<float>(0x7FFFFFFFU));
  std::vector<kernels::Bf16> rounded(from.size());
  kernels::round(from.data(), rounded.data(), from.size());
  for (size_t i = 0; i + 2 < from.size(); ++i) {
    EXPECT_EQ(kernels::to_float(rounded[i]), pairs[i % pairs.size()].second) << from[i];
    EXPECT_EQ(kernels::to_bf16(from[i]).bits, rounded[i].bits) << from[i];
  }
  for (size_t i = from.size() - 2; i < from.size(); ++i)
    EXPECT_TRUE(std::isnan(kernels::to_float(rounded[i])));
}

TEST(measurement, tells_the_time_and_the_operations_of_each_step) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    Executor executor(network().model(), precision);
    const TensorMap inputs = image(3, 40, 40, 1);
    const auto steps = executor.measure(inputs);
    EXPECT_EQ(steps.size(), executor.summarise(inputs).steps);
    const auto stem = std::find_if(steps.begin(), steps.end(),
                                   [](const auto& step) { return step.label == "Conv"; });
    ASSERT_NE(stem, steps.end());
    EXPECT_EQ(stem->detail, "3x40x40 -> 32x40x40, 3x3");
    EXPECT_EQ(stem->flops, 2.0 * 40 * 40 * 32 * 3 * 3 * 3);
    EXPECT_GT(stem->seconds, 0);
    const double element = precision == Precision::kF32 || !processor_has_kernels() ? 4 : 2;
    const double bytes = (40 * 40 * (3 + 32) + 3 * 32 * 3 * 3) * element + 4 * 32;
    EXPECT_GE(stem->bytes, bytes);
    EXPECT_LE(stem->bytes, bytes * 1.1);  // weights may be padded
  }
}

TEST(measurement, of_the_roofline_is_above_nothing) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    const Roofline roofline = measure_roofline(precision, 1 << 20);
    EXPECT_GT(roofline.flops_per_second, 1e8);
    EXPECT_GT(roofline.bytes_per_second, 1e8);
    EXPECT_DOUBLE_EQ(roofline.seconds(roofline.flops_per_second, false, 1), 1);
    EXPECT_DOUBLE_EQ(roofline.seconds(roofline.int8_per_second, true, 1), 1);
    EXPECT_DOUBLE_EQ(roofline.seconds(1, false, 2 * roofline.bytes_per_second), 2);
  }
}

TEST(precision, has_names) {
  EXPECT_EQ(parse_precision("f32"), Precision::kF32);
  EXPECT_EQ(parse_precision("bf16"), Precision::kBf16);
  EXPECT_EQ(parse_precision("auto"), native_precision());
  EXPECT_EQ(parse_precision(precision_name(Precision::kBf16)), Precision::kBf16);
  EXPECT_THROW(parse_precision("f64"), Error);
}

}  // namespace
}  // namespace cairn::engine
