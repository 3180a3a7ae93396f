// The geometry of convolution and pooling windows.
#pragma once

#include <optional>
#include <vector>

#include "cairn/engine/kernels/expand_depthwise.h"
#include "cairn/engine/op.h"

namespace cairn::engine {

// One entry per spatial axis.
struct Window {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads_begin;
  std::vector<int64_t> pads_end;  // what the output size needs
};

bool all_are(const std::vector<int64_t>& values, int64_t wanted);
// Whether an output position reads one of the input alone, the same.
bool is_pointwise(const Window& window);
// Of two axes, as our own kernels want it.
kernels::Window2d window_2d(const Window& window);

// The window of a Conv or pooling node for the spatial sizes of its input and output; auto_pad and
// ceil_mode are resolved. Nothing where oneDNN could not take it (negative or huge numbers, pads as
// large as the kernel).
std::optional<Window> window_of(const Node& node, const std::vector<int64_t>& kernel,
                                const Shape& in, const Shape& out);

// How many windows of a Conv node fit along each spatial axis of the input: its output's shape with
// these channels. Nothing where the attributes do not fit the input.
std::optional<Shape> conv_output(const Node& node, const std::vector<int64_t>& kernel,
                                 const Shape& in, int64_t channels);

}  // namespace cairn::engine
