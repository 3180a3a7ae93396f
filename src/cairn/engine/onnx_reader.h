// Reads ONNX files (protobuf). The only part of the engine that knows protobuf.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cairn/engine/graph.h"

namespace cairn::engine {

// The graph of a file, sorted and checked for known operators. Constant nodes have become
// constants. Throws Error "name: [node: ]reason" for bytes that are not a whole, sound model, and
// for what the engine does not read: external data, strings, sparse tensors, subgraphs, functions.
Graph read_onnx(std::span<const uint8_t> bytes, const std::string& name,
                uint64_t max_tensor_elements);

}  // namespace cairn::engine
