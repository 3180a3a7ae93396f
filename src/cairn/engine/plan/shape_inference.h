// Output shapes without computing: the operator is called and stopped where it asks for memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cairn/engine/graph.h"

namespace cairn::engine {

struct InferredOutput {
  DType dtype = DType::kF32;
  Shape shape;
};

// What the node's wanted outputs would be. The inputs' data may be zeros that stand in for what is
// not known yet: only inputs that depends_on_value() names are looked at. Nothing where the
// operator refuses the inputs.
std::optional<std::vector<InferredOutput>> infer_outputs(const Graph& graph, const Node& node,
                                                         const std::vector<const Tensor*>& inputs);

// Whether the output shapes of the operator depend on the values, not only on the shape, of input
// i.
bool depends_on_value(const std::string& op_type, size_t input);

}  // namespace cairn::engine
