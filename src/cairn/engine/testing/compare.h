// Tests that compare an optimised model with the same model run operator by operator.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "cairn/engine/testing/onnx_builder.h"

namespace cairn::engine::testing {

// Expects that both give the same outputs, within 1e-5 of the largest value, and that bfloat16
// gives what its eight bits allow.
inline void expect_same_as_reference(const OnnxBuilder& builder, const TensorMap& inputs) {
  const TensorMap reference = Executor(builder.model(false)).run(inputs);
  const auto model = builder.model();
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    const double tolerance = precision == Precision::kF32 ? 1e-5 : 0.03;
    Executor executor(model, precision);
    for (int run = 0; run < 2; ++run) {  // the second finds the memory as the first left it
      const TensorMap outputs = executor.run(inputs);
      ASSERT_EQ(outputs.size(), reference.size());
      for (const auto& [name, expected] : reference)
        EXPECT_LE(relative_error(outputs.at(name), expected), tolerance)
            << name << ", run " << run << ", " << precision_name(precision);
    }
  }
}

}  // namespace cairn::engine::testing
