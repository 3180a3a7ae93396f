// Int8 weights of a convolution as our own kernels want them.
#pragma once

#include <vector>

#include "cairn/engine/plan/conv_problem.h"

namespace cairn::engine {

// Of each output channel: sums of products of the input's bits (not of what they mean) times units,
// plus shifts, are the results.
struct ByteSums {
  std::vector<float> units;
  std::vector<double> shifts;
};

// grid: of the input.
ByteSums byte_sums(PlanBuilder& builder, const GraphNode& node, const ConvProblem& problem,
                   const Grid& grid);

struct ByteWeights {
  BufferId packed = 0;
  std::vector<float> units;  // of ByteSums, as what follows
  std::vector<float> shifts;
};

// As pack_quads makes them.
ByteWeights byte_weights(PlanBuilder& builder, const GraphNode& node, const ConvProblem& problem,
                         const Grid& grid);

// Numbers of output channels, as the kernels want them.
BufferId packed_numbers(PlanBuilder& builder, const std::vector<float>& numbers);

}  // namespace cairn::engine
