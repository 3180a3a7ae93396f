// Which nodes are activations of one number.
#pragma once

#include <optional>

#include "cairn/engine/graph.h"

namespace cairn::engine {

// The activation that a node is (Relu, LeakyRelu, Clip, Sigmoid, Tanh, Elu, HardSigmoid,
// HardSwish), where its parameters are constants.
std::optional<PostOp> activation_of(const Graph& graph, const Node& node);

}  // namespace cairn::engine
