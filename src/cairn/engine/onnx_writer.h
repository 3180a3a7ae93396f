// Writes a graph that passes have changed as an ONNX file.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cairn/engine/graph.h"

namespace cairn::engine {

// The bytes of the ONNX file `original` with this graph (without post-operations) in the place of
// its own. Metadata and the declarations of inputs and outputs stay; outputs that the original does
// not have are declared as float32 of any shape. Throws Error above protobuf's limit of 2 GB.
std::string write_onnx(const Graph& graph, std::span<const uint8_t> original);

}  // namespace cairn::engine
