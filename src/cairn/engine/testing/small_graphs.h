// Small graphs for tests of plans.
#pragma once

#include <string>
#include <vector>

#include "cairn/engine/testing/onnx_builder.h"

namespace cairn::engine::testing {

// A 3x3 Conv that keeps the size.
inline void add_conv(OnnxBuilder& builder, const std::string& from, const std::string& to,
                     int64_t in, int64_t out) {
  builder.weights(to + "_w", {out, in, 3, 3}, 0.08f).weights(to + "_b", {out});
  builder.node("Conv", {from, to + "_w", to + "_b"}, {to}).ints("pads", {1, 1, 1, 1});
}

// A 1x1 Conv whose output is its input.
inline void add_copy(OnnxBuilder& builder, const std::string& from, const std::string& to,
                     int64_t channels) {
  std::vector<float> one(static_cast<size_t>(channels * channels), 0.F);
  for (int64_t i = 0; i < channels; ++i) one[static_cast<size_t>(i * (channels + 1))] = 1;
  builder.constant(to + "_one", Tensor::from_f32({channels, channels, 1, 1}, one));
  builder.node("Conv", {from, to + "_one"}, {to});
}

// A graph from images x of so many channels to y.
inline OnnxBuilder with_channels(int64_t channels) {
  OnnxBuilder builder(13);
  builder.input("x", {-1, channels, -1, -1}).output("y");
  return builder;
}

inline TensorMap image(int64_t channels, int64_t height = 7, int64_t width = 9,
                       int64_t images = 2) {
  return {{"x", drawn("x", {images, channels, height, width})}};
}

inline Executor::PlanSummary summary(const OnnxBuilder& builder, const TensorMap& inputs) {
  return Executor(builder.model()).summarise(inputs);
}

}  // namespace cairn::engine::testing
