// Writes quantisation into a graph: as the QuantizeLinear and DequantizeLinear of ONNX.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cairn/engine/graph.h"
#include "cairn/quantize/grids.h"

namespace cairn::quantize {

struct Choice {
  std::set<std::string> layers;               // convolutions in 8 bits, by output
  std::map<std::string, engine::Grid> grids;  // of all values_on_grids() of them
  WeightScales weight_scales = WeightScales::kLeastSquares;
  std::map<std::string, std::vector<float>> bias_shifts;  // by output: added to the bias
};

// The graph in which these convolutions read values on grids and int8 weights:
//   value → QuantizeLinear → DequantizeLinear → all its readers   one pair a value
//   int8 weights → DequantizeLinear (axis 0, zero points 0) → Conv; the bias stays float32
// Convolutions of find_layers() that are not chosen read the value itself.
engine::Graph quantise_graph(const engine::Graph& graph, const Choice& choice);

// A graph that computes each of these convolutions twice from the same float32 value, in float32
// and in 8 bits, and tells for each channel what the means over the map are.
struct ErrorNames {   // outputs, 1 x channels x 1 x 1 a photo
  std::string error;  // 8 bits - float32
  std::string squared_error;
  std::string squared_value;  // of the float32 one
};
struct ErrorGraph {
  engine::Graph graph;
  std::map<std::string, ErrorNames> outputs;  // by output of the convolution
};
ErrorGraph error_graph(const engine::Graph& graph, const Choice& choice);

}  // namespace cairn::quantize
