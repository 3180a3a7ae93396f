#include "cairn/engine/quantised.h"

#include <cmath>

namespace cairn::engine {

std::optional<Grid> grid_of(const Graph& graph, const Node& node) {
  if (node.inputs.size() < 2 || node.inputs.size() > 3 || node.outputs.size() != 1)
    return std::nullopt;
  const Tensor* const scale = graph.constant(node.inputs[1]);
  if (scale == nullptr || scale->dtype() != DType::kF32 || scale->count() != 1) return std::nullopt;
  // A vector of one scale might be one for each of one channel, which is the same unless it is
  // wrong; the operator says so.
  if (!scale->shape().empty() && node.has_attribute("axis")) return std::nullopt;
  Grid grid{.scale = *scale->data<float>()};
  if (!(grid.scale > 0) || !std::isfinite(grid.scale) || !std::isfinite(1 / grid.scale))
    return std::nullopt;
  if (node.inputs.size() < 3 || node.inputs[2].empty()) return grid;
  const Tensor* const zero = graph.constant(node.inputs[2]);
  if (zero == nullptr || zero->count() != 1) return std::nullopt;
  grid.type = zero->dtype();
  if (grid.type == DType::kU8)
    grid.zero = *zero->data<uint8_t>();
  else if (grid.type == DType::kI8)
    grid.zero = *zero->data<int8_t>();
  else
    return std::nullopt;
  return grid;
}

}  // namespace cairn::engine
