// Int8 weights of a convolution as our own kernels want them.
#pragma once

#include <vector>

#include "cairn/engine/plan/conv_problem.h"

namespace cairn::engine {

struct ByteWeights {
  BufferId packed = 0;
  // Of each output channel: sums of products of the input's bits (not of what they mean) times
  // units, plus shifts, are the results.
  std::vector<float> units;
  std::vector<float> shifts;
};

// grid: of the input.
ByteWeights byte_weights(PlanBuilder& builder, const GraphNode& node, const ConvProblem& problem,
                         const Grid& grid);

// Numbers of output channels, as the kernels want them.
BufferId packed_numbers(PlanBuilder& builder, const std::vector<float>& numbers);

}  // namespace cairn::engine
