// Plans of graphs with QuantizeLinear and DequantizeLinear: convolutions of 8 bits by 8 bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>

#include "cairn/engine/graph.h"
#include "cairn/engine/kernels/avx512_bf16.h"
#include "cairn/engine/kernels/quantise.h"
#include "cairn/engine/testing/compare.h"
#include "cairn/engine/testing/small_graphs.h"

namespace cairn::engine {
namespace {

using testing::drawn;
using testing::image;
using testing::NodeBuilder;
using testing::OnnxBuilder;
using testing::relative_error;
using testing::with_channels;

bool processor_multiplies_bytes() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa >= dnnl::cpu_isa::avx512_core_vnni || isa == dnnl::cpu_isa::avx2_vnni;
}

bool has_bf16_products() {
  return kernels::has_avx512_bf16() &&
         dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16;
}

Tensor byte(DType type, int value) {
  Tensor tensor(type, {});
  *tensor.data<uint8_t>() = static_cast<uint8_t>(value);
  return tensor;
}

// to = from on a grid of 8 bits.
void add_grid(OnnxBuilder& builder, const std::string& from, const std::string& to,
              const Grid& grid) {
  builder.constant(to + "_scale", Tensor::from_f32({}, std::vector<float>{grid.scale}));
  builder.constant(to + "_zero", byte(grid.type, grid.zero));
  builder.node("QuantizeLinear", {from, to + "_scale", to + "_zero"}, {to + "_q"});
  builder.node("DequantizeLinear", {to + "_q", to + "_scale", to + "_zero"}, {to});
}

// Int8 weights of a Conv, one scale per output channel, under the name.
void add_weights(OnnxBuilder& builder, const std::string& name, const Shape& shape) {
  const Tensor drawn_ones = drawn(name, shape, 127);
  Tensor values(DType::kI8, shape);
  for (size_t i = 0; i < values.count(); ++i)
    values.data<int8_t>()[i] = static_cast<int8_t>(std::nearbyint(drawn_ones.data<float>()[i]));
  std::vector<float> scales;
  for (int64_t c = 0; c < shape[0]; ++c)
    scales.push_back(0.00051237F * (1 + 0.17F * static_cast<float>(c % 5)));
  builder.constant(name + "_8", values);
  builder.constant(name + "_scales", Tensor::from_f32({shape[0]}, scales));
  builder.node("DequantizeLinear", {name + "_8", name + "_scales"}, {name}).number("axis", 0);
}

// A 3x3 Conv of 8 bits that keeps the size.
NodeBuilder add_int8_conv(OnnxBuilder& builder, const std::string& from, const std::string& to,
                          int64_t in, int64_t out, int64_t groups = 1) {
  add_weights(builder, to + "_w", {out, in / groups, 3, 3});
  builder.weights(to + "_b", {out});
  return builder.node("Conv", {from, to + "_w", to + "_b"}, {to})
      .ints("pads", {1, 1, 1, 1})
      .number("group", groups);
}

// Scales without small common factors, so that hardly any number lies between two steps.
const Grid kSigned{DType::kI8, 0.0078931F, 0};
const Grid kShifted{DType::kU8, 0.0078517F, 128};
const Grid kUnsigned{DType::kU8, 0.0117193F, 0};

int count_int8(const OnnxBuilder& builder, const TensorMap& inputs) {
  int count = 0;
  for (const auto& step : Executor(builder.model()).measure(inputs)) count += step.int8 ? 1 : 0;
  return count;
}

// Expects what the operators one by one give, up to rounding, or up to `steps` of an output grid.
void expect_reference(const OnnxBuilder& builder, const TensorMap& inputs, int convolutions,
                      float grid_step = 0) {
  const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
  const Tensor y = Executor(builder.model()).run(inputs).at("y");
  EXPECT_EQ(count_int8(builder, inputs), processor_multiplies_bytes() ? convolutions : 0);
  ASSERT_EQ(y.shape(), expected.shape());
  if (grid_step == 0) {
    EXPECT_LE(relative_error(y, expected), 2e-6);
    return;
  }
  size_t different = 0;
  for (size_t i = 0; i < y.count(); ++i) {
    const float difference = std::abs(y.data<float>()[i] - expected.data<float>()[i]);
    EXPECT_LE(difference, grid_step * 1.01F);
    if (difference > grid_step * 0.01F) ++different;
  }
  EXPECT_LE(different, y.count() / 200);
}

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
    const Tensor expected = Executor(builder.model(false)).run(image(16)).at("y");
    const Tensor y = Executor(builder.model(), Precision::kBf16).run(image(16)).at("y");
    EXPECT_LE(relative_error(y, expected), 0.03);
  }
}

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
    const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
    for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
      const Tensor y = Executor(builder.model(), precision).run(inputs).at("y");
      EXPECT_LE(relative_error(y, expected), precision == Precision::kF32 ? 0.01 : 0.03);
    }
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
      const bool ours = kernels::has_avx512_bf16() &&
                        dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16;
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
    const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
    Executor executor(builder.model(), Precision::kBf16);
    EXPECT_LE(relative_error(executor.run(inputs).at("y"), expected), 0.03);
    if (!kernels::has_avx512_bf16() ||
        dnnl::get_effective_cpu_isa() != dnnl::cpu_isa::avx512_core_bf16)
      continue;
    const auto plan = executor.summarise(inputs);
    EXPECT_EQ(plan.labels.contains("gate+Conv int8"), !another_reader);
    EXPECT_EQ(plan.labels.contains("gate"), another_reader);
    EXPECT_EQ(plan.labels.contains("Conv int8"), another_reader);
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
  OnnxBuilder builder = residual(kUnsigned, kUnsigned);
  const TensorMap inputs = image(3, 24, 20);
  const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
  const Tensor y = Executor(builder.model(), Precision::kBf16).run(inputs).at("y");
  EXPECT_LE(relative_error(y, expected), 0.03);
}

TEST(int8, photos_are_quantised_and_interleaved_at_once) {
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
    const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
    Executor executor(builder.model(), Precision::kBf16);
    EXPECT_LE(relative_error(executor.run(inputs).at("y"), expected), 0.03);
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
    const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
    Executor executor(builder.model(), Precision::kBf16);
    EXPECT_LE(relative_error(executor.run(inputs).at("y"), expected), 0.03);
    EXPECT_LE(relative_error(Executor(builder.model()).run(inputs).at("y"), expected), 0.004);
    if (dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16) {
      const auto labels = executor.summarise(inputs).labels;
      EXPECT_EQ(labels.at("quantise"), grid.type == DType::kU8 ? 1 : 2);
      EXPECT_FALSE(labels.contains("eltwise"));
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

TEST(int8, in_bfloat16_plans_wide_convolutions_are_winograds) {
  for (const bool to_grid : {true, false}) {
    OnnxBuilder builder = with_channels(128);
    builder.node("Relu", {"x"}, {"r"});
    add_grid(builder, "r", "r8", kUnsigned);
    add_int8_conv(builder, "r8", "c", 128, 144);
    builder.node("Relu", {"c"}, {to_grid ? "a" : "y"});
    if (to_grid) add_grid(builder, "a", "y", Grid{DType::kU8, 0.0293F, 3});
    const TensorMap inputs = image(128, 17, 19, 2);
    const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
    Executor executor(builder.model(), Precision::kBf16);
    EXPECT_LE(relative_error(executor.run(inputs).at("y"), expected), 0.015) << to_grid;
    if (!kernels::has_avx512_bf16() ||
        dnnl::get_effective_cpu_isa() != dnnl::cpu_isa::avx512_core_bf16)
      continue;
    EXPECT_EQ(executor.summarise(inputs).labels.at("Conv (Winograd)"), 1);
  }
}

TEST(int8, kernels_round_to_the_nearest_and_saturate) {
  expect_kernels_as_written<uint8_t>(0);
  expect_kernels_as_written<uint8_t>(131);
  expect_kernels_as_written<int8_t>(0);
  expect_kernels_as_written<int8_t>(-9);
}

}  // namespace
}  // namespace cairn::engine
