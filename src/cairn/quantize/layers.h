// Which convolutions of a network can be computed in 8 bits, and which values then lie on grids.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cairn/engine/graph.h"

namespace cairn::quantize {

// The graph of an ONNX file as quantisation starts from it: identities, constants, pads and affine
// operators folded away, at least opset 13 (which knows scales per channel). Throws Error where
// the file is no model that the engine reads, holds 8-bit operators already, or is of an opset that
// cannot be raised.
engine::Graph read_for_quantisation(const std::vector<uint8_t>& bytes, const std::string& name);

// A two-dimensional Conv with constant float32 weights.
struct Layer {
  std::string output;  // the value that the Conv makes: its name here
  std::string label;   // the node's name, or the output's
  std::string input;
  bool depthwise = false;
};

// In execution order.
std::vector<Layer> find_layers(const engine::Graph& graph);

// The values that lie on grids where these convolutions (by output) are computed in 8 bits:
//   - the input of each
//   - what a MaxPool makes such a value of, so that it need not leave its grid
//   - one term of an Add of two of the convolutions' outputs, where the sum becomes such a value:
//     the other one is added to it as it is summed up
// With each comes the value whose grid it shares: itself, or what the first MaxPool before it read.
std::map<std::string, std::string> values_on_grids(const engine::Graph& graph,
                                                   const std::set<std::string>& chosen);

}  // namespace cairn::quantize
