// Mean over all positions of maps that lie in memory as bfloat16, in float32.
#pragma once

#include "cairn/engine/plan/builder.h"

namespace cairn::engine {

// Whether a node is the mean over all spatial axes of its one input, which has `rank` axes.
bool is_global_mean(const GraphNode& node, size_t rank);

// Adds the step, where the input (N × C × spatial…) lies in blocks of channels or row-major as
// bfloat16, and returns where the result (N × C × 1…, float32) lies. Otherwise changes nothing.
std::optional<Placement> add_global_mean(PlanBuilder& builder, const std::string& input);

}  // namespace cairn::engine
