// Raises the opset of a graph.
#pragma once

#include "cairn/engine/graph.h"

namespace cairn::quantize {

// Opset 13 instead of 11 or 12: attributes that became inputs do. Later ones stay. Throws Error for
// an earlier opset, and for a node whose meaning changed with 13.
void raise_opset(engine::Graph& graph);

}  // namespace cairn::quantize
