// What single operators and blocks of them are lowered to, against the reference.
#include <gtest/gtest.h>

#include <cmath>

#include "cairn/engine/testing/compare.h"
#include "cairn/engine/testing/small_graphs.h"

namespace cairn::engine {
namespace {

using testing::add_conv;
using testing::drawn;
using testing::expect_same_as_reference;
using testing::image;
using testing::OnnxBuilder;
using testing::summary;
using testing::with_channels;

TEST(normalisation, of_each_image_s_channels_keeps_the_layout) {
  for (const int64_t channels : {5, 16, 40}) {
    OnnxBuilder builder = with_channels(channels);
    add_conv(builder, "x", "a", channels, channels);
    builder.weights("scale", {channels}).weights("shift", {channels});
    builder.node("InstanceNormalization", {"a", "scale", "shift"}, {"n"}).real("epsilon", 1e-3F);
    add_conv(builder, "n", "b", channels, 16);
    builder.node("InstanceNormalization", {"x", "scale", "shift"}, {"p"});  // row-major
    add_conv(builder, "p", "c", channels, 16);
    builder.node("Concat", {"b", "c"}, {"y"}).number("axis", 1);
    expect_same_as_reference(builder, image(channels));
    expect_same_as_reference(builder, image(channels, 33, 70));
  }
}

TEST(normalisation, of_each_image_s_channels_needs_no_reorder_between_convolutions) {
  OnnxBuilder builder = with_channels(3);
  add_conv(builder, "x", "a", 3, 32);
  builder.weights("scale", {32}).weights("shift", {32});
  builder.node("InstanceNormalization", {"a", "scale", "shift"}, {"n"});
  add_conv(builder, "n", "b", 32, 32);
  builder.node("GlobalAveragePool", {"b"}, {"y"});
  EXPECT_EQ(summary(builder, image(3)).reorders, 0u);
}

TEST(normalisation, of_values_far_from_zero_is_exact) {
  OnnxBuilder builder = with_channels(16);
  builder.constant("one", Tensor::from_f32({16}, std::vector<float>(16, 1.F)));
  builder.constant("zero", Tensor::from_f32({16}, std::vector<float>(16, 0.F)));
  builder.node("InstanceNormalization", {"x", "one", "zero"}, {"y"});
  TensorMap inputs = image(16, 60, 70, 1);
  Tensor& x = inputs.at("x");
  for (size_t i = 0; i < x.count(); ++i) x.data<float>()[i] += 100;
  expect_same_as_reference(builder, inputs);
}

// The mean of all is estimated from some positions, eight evenly spaced runs.
TEST(normalisation, of_positions_that_are_unlike_the_others_is_exact) {
  for (const float apart : {1.F, 1000.F}) {
    OnnxBuilder builder = with_channels(16);
    builder.weights("scale", {16}).weights("shift", {16});
    builder.node("InstanceNormalization", {"x", "scale", "shift"}, {"y"});
    TensorMap inputs = image(16, 40, 40, 1);
    Tensor& x = inputs.at("x");
    for (size_t i = 0; i < x.count(); i += 1600 / 8)
      for (size_t k = 0; k < 4; ++k) x.data<float>()[i + k] = apart;
    expect_same_as_reference(builder, inputs);
  }
}

TEST(convolution, every_geometry) {
  const auto check = [](int64_t in, const Shape& weights, int64_t group, auto adorn) {
    OnnxBuilder builder = with_channels(in);
    builder.weights("w", weights);
    auto node = builder.node("Conv", {"x", "w"}, {"y"});
    node.number("group", group);
    adorn(node);
    for (const int64_t size : {11, 12, 17}) expect_same_as_reference(builder, image(in, size, 14));
  };
  check(12, {12, 1, 3, 3}, 12, [](auto& n) {
    n.ints("pads", {0, 0, 1, 1}).ints("strides", {2, 2});
  });
  check(12, {24, 1, 3, 3}, 12, [](auto&) {});
  check(32, {64, 8, 3, 3}, 4, [](auto& n) {
    n.ints("dilations", {2, 2}).ints("pads", {2, 1, 2, 3});
  });
  check(8, {6, 8, 1, 5}, 1, [](auto& n) { n.ints("strides", {1, 3}); });
  for (const char* same : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    check(3, {16, 3, 3, 3}, 1, [&](auto& n) { n.text("auto_pad", same).ints("strides", {2, 2}); });
    check(32, {32, 1, 5, 5}, 32, [&](auto& n) {
      n.text("auto_pad", same).ints("strides", {2, 2});
    });
    check(16, {16, 16, 2, 4}, 1, [&](auto& n) { n.text("auto_pad", same); });
  }
}

TEST(convolution, of_one_and_three_dimensions) {
  OnnxBuilder one(13);
  one.input("x", {-1, 16, -1}).output("y").weights("w", {24, 16, 5});
  one.node("Conv", {"x", "w"}, {"c"}).ints("pads", {2, 1});
  one.node("Relu", {"c"}, {"y"});
  expect_same_as_reference(one, {{"x", drawn("x", {2, 16, 21})}});
  OnnxBuilder three(13);
  three.input("x", {-1, 4, -1, -1, -1}).output("y").weights("w", {8, 4, 3, 3, 3});
  three.node("Conv", {"x", "w"}, {"y"}).ints("pads", {1, 1, 1, 0, 1, 1});
  expect_same_as_reference(three, {{"x", drawn("x", {1, 4, 5, 6, 7})}});
}

TEST(convolution, weights_that_are_computed_by_the_graph) {
  OnnxBuilder builder = with_channels(4);
  builder.input("w", {5, 4, 3, 3});
  builder.node("Conv", {"x", "w"}, {"c"});
  builder.node("Relu", {"c"}, {"y"});
  TensorMap inputs = image(4);
  inputs["w"] = drawn("w", {5, 4, 3, 3});
  expect_same_as_reference(builder, inputs);
}

// A widening Conv, a depthwise Conv and a narrowing one, with an activation (or "") after each.
OnnxBuilder inverted_residual(const std::string& activation, int64_t stride) {
  OnnxBuilder builder = with_channels(24);
  const auto activate = [&](const std::string& from, const std::string& to) {
    if (activation == "Silu") {
      builder.node("Sigmoid", {from}, {to + "_s"});
      builder.node("Mul", {from, to + "_s"}, {to});
    } else {
      builder.node(activation, {from}, {to});
    }
  };
  builder.weights("wide_w", {96, 24, 1, 1})
      .weights("wide_b", {96})
      .weights("deep_w", {96, 1, 5, 5});
  builder.weights("narrow_w", {24, 96, 1, 1});
  builder.node("Conv", {"x", "wide_w", "wide_b"}, {"wide"});
  activate("wide", "wide_a");
  builder.node("Conv", {"wide_a", "deep_w"}, {"deep"})
      .number("group", 96)
      .ints("strides", {stride, stride})
      .text("auto_pad", "SAME_UPPER");
  activate("deep", "deep_a");
  builder.node("Conv", {"deep_a", "narrow_w"}, {"y"});
  return builder;
}

TEST(chunks, of_channels_give_what_whole_convolutions_give) {
  for (const char* activation : {"Relu", "Silu"}) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t size : {9, 66}) {  // small values, and values worth cutting
        SCOPED_TRACE(activation + std::to_string(stride) + " " + std::to_string(size));
        expect_same_as_reference(inverted_residual(activation, stride), image(24, size, 65, 1));
      }
    }
  }
  expect_same_as_reference(inverted_residual("Silu", 2), image(24, 66, 65, 2));
}

TEST(chunks, of_wide_values_do_not_go_to_memory) {
  const auto plan = summary(inverted_residual("Relu", 2), image(24, 100, 100, 1));
  EXPECT_EQ(plan.labels.at("Conv+Conv"), 1);
  EXPECT_LT(plan.peak_bytes, size_t{96 * 100 * 100} * sizeof(float));
}

TEST(chunks, silu_is_right_for_every_number) {
  OnnxBuilder builder = with_channels(16);
  add_copy(builder, "x", "c", 16);
  builder.node("Sigmoid", {"c"}, {"s"});
  builder.node("Mul", {"c", "s"}, {"y"});
  Tensor x(DType::kF32, {1, 16, 64, 64});
  for (size_t i = 0; i < x.count(); ++i)
    x.data<float>()[i] = (static_cast<float>(i) - 32768) / 32768 * 100;
  const Tensor y = Executor(builder.model()).run({{"x", x}}).at("y");
  for (size_t i = 0; i < x.count(); ++i) {
    const double exact = x.data<float>()[i] / (1 + std::exp(-double{x.data<float>()[i]}));
    ASSERT_NEAR(y.data<float>()[i], exact, 1e-6 * std::abs(exact) + 1e-11) << x.data<float>()[i];
  }
}

TEST(pooling, every_geometry) {
  const auto check = [](const std::string& op, auto adorn) {
    SCOPED_TRACE(op);
    OnnxBuilder builder = with_channels(20);
    add_conv(builder, "x", "c", 20, 20);
    auto node = builder.node(op, {"c"}, {"y"});
    adorn(node);
    for (const int64_t size : {7, 10}) expect_same_as_reference(builder, image(20, size, 13));
  };
  check("GlobalAveragePool", [](auto&) {});
  check("GlobalMaxPool", [](auto&) {});
  check("ReduceMean", [](auto& n) { n.ints("axes", {-1, -2}); });
  check("ReduceMean", [](auto& n) { n.ints("axes", {2, 3}).number("keepdims", 0); });
  check("ReduceMean", [](auto& n) { n.ints("axes", {1}); });
  for (const char* op : {"MaxPool", "AveragePool"}) {
    check(op, [](auto& n) { n.ints("kernel_shape", {3, 2}).ints("strides", {2, 2}); });
    check(op, [](auto& n) { n.ints("kernel_shape", {5, 5}).ints("pads", {2, 2, 2, 2}); });
    check(op, [](auto& n) {
      n.ints("kernel_shape", {3, 3}).ints("strides", {2, 2}).number("ceil_mode", 1);
    });
    check(op, [](auto& n) {
      n.ints("kernel_shape", {3, 3}).ints("strides", {2, 2}).text("auto_pad", "SAME_UPPER");
    });
  }
  check("AveragePool", [](auto& n) {
    n.ints("kernel_shape", {3, 3}).ints("pads", {1, 1, 1, 1}).number("count_include_pad", 1);
  });
}

// Generalised-mean pooling, of a convolution's map and of a photo's planes.
OnnxBuilder power_mean(float exponent, bool after_conv, bool keep_axes) {
  OnnxBuilder builder = with_channels(5);
  builder.constant("p", Tensor::from_f32({}, std::vector<float>{exponent}));
  builder.constant("one_over_p", Tensor::from_f32({}, std::vector<float>{1 / exponent}));
  builder.constant("least", Tensor::from_f32({}, std::vector<float>{1e-6F}));
  if (after_conv) testing::add_conv(builder, "x", "c", 5, 21);
  builder.node("Clip", {after_conv ? "c" : "x", "least"}, {"positive"});
  builder.node("Pow", {"positive", "p"}, {"powers"});
  if (keep_axes)
    builder.node("GlobalAveragePool", {"powers"}, {"mean"});
  else
    builder.node("ReduceMean", {"powers"}, {"mean"}).ints("axes", {-1, -2}).number("keepdims", 0);
  builder.node("Pow", {"mean", "one_over_p"}, {"y"});
  return builder;
}

TEST(lowering, generalised_means_are_one_step) {
  for (const float exponent : {3.F, 2.71F, 1.F, 6.5F})
    for (const bool after_conv : {false, true})
      for (const bool keep_axes : {false, true}) {
        const OnnxBuilder builder = power_mean(exponent, after_conv, keep_axes);
        expect_same_as_reference(builder, image(5, 23, 31));
        const bool plain_mean = exponent == 1;  // which the processor's library does
        const auto labels = Executor(builder.model()).summarise(image(5, 23, 31)).labels;
        EXPECT_EQ(labels.count("global power mean"), plain_mean ? 0u : 1u) << exponent;
      }
}

TEST(lowering, powers_of_zero_and_below_are_what_they_are) {
  for (const float exponent : {3.F, 2.F, 0.5F}) {
    OnnxBuilder builder = with_channels(2);
    builder.constant("p", Tensor::from_f32({}, std::vector<float>{exponent}));
    builder.node("Pow", {"x", "p"}, {"powers"});
    builder.node("GlobalAveragePool", {"powers"}, {"y"});
    TensorMap inputs = image(2, 3, 67, 1);
    std::fill_n(inputs.at("x").data<float>(), 3 * 67, 0.F);
    const Tensor y = Executor(builder.model()).run(inputs).at("y");
    const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
    EXPECT_EQ(y.data<float>()[0], 0);
    if (exponent < 1)  // roots of negative numbers
      EXPECT_TRUE(std::isnan(y.data<float>()[1]) && std::isnan(expected.data<float>()[1]));
    else
      EXPECT_NEAR(y.data<float>()[1], expected.data<float>()[1], 1e-6);
  }
}

TEST(lowering, a_gate_with_its_residual_and_rectification_is_one_step) {
  for (const int64_t channels : {5, 16, 40}) {
    for (const bool swapped : {false, true}) {
      OnnxBuilder builder = with_channels(channels);
      add_conv(builder, "x", "skip", channels, channels);
      add_conv(builder, "skip", "map", channels, channels);
      builder.node("GlobalAveragePool", {"map"}, {"mean"});
      builder.weights("gate_w", {channels, channels, 1, 1}).weights("gate_b", {channels});
      builder.node("Conv", {"mean", "gate_w", "gate_b"}, {"g"});
      builder.node("Sigmoid", {"g"}, {"gate"});
      const std::vector<std::string> gated = {"map", "gate"}, sum = {"gated", "skip"};
      builder.node("Mul", swapped ? std::vector{gated[1], gated[0]} : gated, {"gated"});
      builder.node("Add", swapped ? std::vector{sum[1], sum[0]} : sum, {"sum"});
      builder.node("Relu", {"sum"}, {"y"});
      expect_same_as_reference(builder, image(channels));
      if (channels % 16 == 0) {  // others are row-major on some processors
        EXPECT_EQ(summary(builder, image(channels)).labels.count("gate"), 1u);
      }
    }
  }
}

TEST(lowering, gates_in_other_company_are_right) {
  for (const char* activation : {"Tanh", "LeakyRelu"}) {
    OnnxBuilder builder = with_channels(16);
    add_conv(builder, "x", "map", 16, 16);
    builder.node("GlobalAveragePool", {"map"}, {"mean"});
    builder.weights("gate_w", {16, 16, 1, 1});
    builder.node("Conv", {"mean", "gate_w"}, {"g"});
    builder.node("Sigmoid", {"g"}, {"gate"});
    builder.node("Mul", {"map", "gate"}, {"gated"});
    builder.node(activation, {"gated"}, {"a"});
    builder.node("Add", {"a", "mean"}, {"sum"});  // spread over the positions
    builder.node("Mul", {"sum", "gate"}, {"once_more"});
    builder.node("Mul", {"gate", "gate"}, {"square"});
    builder.node("Add", {"once_more", "square"}, {"y"});
    expect_same_as_reference(builder, image(16));
  }
}

}  // namespace
}  // namespace cairn::engine
