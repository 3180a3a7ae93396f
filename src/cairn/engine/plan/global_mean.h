// Means over all positions of maps, also of powers (generalised-mean pooling), in float32.
#pragma once

#include "cairn/engine/plan/builder.h"

namespace cairn::engine {

// Whether a node is the mean over all spatial axes of its one input, which has `rank` axes.
bool is_global_mean(const GraphNode& node, size_t rank);

// Adds the step, where the input (N × C × spatial…) lies in blocks of channels, channels last or
// row-major and is not what oneDNN does as well (a mean of float32); returns where the result
// (N × C × 1…, float32) lies. Otherwise changes nothing.
std::optional<Placement> add_global_mean(PlanBuilder& builder, const std::string& input,
                                         float exponent = 1);

// Defines the output of a global pooling of `in`, with the axes of size 1 or without them.
void define_global(PlanBuilder& builder, const std::string& output, const Shape& out,
                   const Shape& in, const Placement& made);

}  // namespace cairn::engine
