// Graphs with QuantizeLinear and DequantizeLinear for tests of plans.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cairn/engine/graph.h"
#include "cairn/engine/testing/compare.h"
#include "cairn/engine/testing/processor.h"
#include "cairn/engine/testing/small_graphs.h"

namespace cairn::engine::testing {

inline Tensor byte(DType type, int value) {
  Tensor tensor(type, {});
  *tensor.data<uint8_t>() = static_cast<uint8_t>(value);
  return tensor;
}

// to = from on a grid of 8 bits.
inline void add_grid(OnnxBuilder& builder, const std::string& from, const std::string& to,
                     const Grid& grid) {
  builder.constant(to + "_scale", Tensor::from_f32({}, std::vector<float>{grid.scale}));
  builder.constant(to + "_zero", byte(grid.type, grid.zero));
  builder.node("QuantizeLinear", {from, to + "_scale", to + "_zero"}, {to + "_q"});
  builder.node("DequantizeLinear", {to + "_q", to + "_scale", to + "_zero"}, {to});
}

// Int8 weights of a Conv, one scale per output channel, under the name.
inline void add_weights(OnnxBuilder& builder, const std::string& name, const Shape& shape) {
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
inline NodeBuilder add_int8_conv(OnnxBuilder& builder, const std::string& from,
                                 const std::string& to, int64_t in, int64_t out,
                                 int64_t groups = 1) {
  add_weights(builder, to + "_w", {out, in / groups, 3, 3});
  builder.weights(to + "_b", {out});
  return builder.node("Conv", {from, to + "_w", to + "_b"}, {to})
      .ints("pads", {1, 1, 1, 1})
      .number("group", groups);
}

// Scales without small common factors, so that hardly any number lies between two steps.
inline const Grid kSigned{DType::kI8, 0.0078931F, 0};
inline const Grid kShifted{DType::kU8, 0.0078517F, 128};
inline const Grid kUnsigned{DType::kU8, 0.0117193F, 0};

inline int count_int8(const OnnxBuilder& builder, const TensorMap& inputs) {
  int count = 0;
  for (const auto& step : Executor(builder.model()).measure(inputs)) count += step.int8 ? 1 : 0;
  return count;
}

// Expects what the operators one by one give, up to rounding, or up to `steps` of an output grid.
inline void expect_reference(const OnnxBuilder& builder, const TensorMap& inputs, int convolutions,
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

// Expects y of a plan to be near what the operators one by one give. Returns the plan's executor.
inline Executor expect_near(const OnnxBuilder& builder, const TensorMap& inputs,
                            Precision precision, double tolerance) {
  const Tensor expected = Executor(builder.model(false)).run(inputs).at("y");
  Executor executor(builder.model(), precision);
  EXPECT_LE(relative_error(executor.run(inputs).at("y"), expected), tolerance);
  return executor;
}

}  // namespace cairn::engine::testing
