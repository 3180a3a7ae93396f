// What QuantizeLinear and DequantizeLinear say of a value.
#pragma once

#include <optional>

#include "cairn/engine/graph.h"

namespace cairn::engine {

// The grid of a QuantizeLinear or DequantizeLinear node where it is constant, one for the whole
// tensor, and of 8 bits. Nothing otherwise.
std::optional<Grid> grid_of(const Graph& graph, const Node& node);

}  // namespace cairn::engine
