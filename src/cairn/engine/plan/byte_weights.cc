#include "cairn/engine/plan/byte_weights.h"

#include <numeric>

#include "cairn/engine/kernels/expand_depthwise.h"

namespace cairn::engine {

ByteSums byte_sums(PlanBuilder& builder, const GraphNode& node, const ConvProblem& problem,
                   const Grid& grid) {
  const QuantisedWeights& weights = builder.graph().quantised.at(node.inputs[1]);
  const int8_t* values = weights.values.data<int8_t>();
  const size_t taps = weights.values.count() / weights.scales.size();
  ByteSums sums;
  for (size_t c = 0; c < weights.scales.size(); ++c, values += taps) {
    const float unit = grid.scale * weights.scales[c];
    const int64_t sum = std::accumulate(values, values + taps, int64_t{0});
    const float bias = problem.bias == nullptr ? 0 : problem.bias->data<float>()[c];
    sums.units.push_back(unit);
    sums.shifts.push_back(double{bias} - static_cast<double>(grid.zero * sum) * double{unit});
  }
  return sums;
}

ByteWeights byte_weights(PlanBuilder& builder, const GraphNode& node, const ConvProblem& problem,
                         const Grid& grid) {
  ByteWeights made;
  made.packed = builder.constant_buffer(builder.weights().made(node.inputs[1], "quads", [&] {
    const Tensor& values = builder.graph().quantised.at(node.inputs[1]).values;
    return copy_of(kernels::pack_quads(values.data<int8_t>(), static_cast<size_t>(problem.out[1]),
                                       static_cast<size_t>(problem.in[1]),
                                       window_2d(problem.window)));
  }));
  const ByteSums sums = byte_sums(builder, node, problem, grid);
  made.units = sums.units;
  made.shifts.assign(sums.shifts.begin(), sums.shifts.end());
  return made;
}

BufferId packed_numbers(PlanBuilder& builder, const std::vector<float>& numbers) {
  return builder.constant_buffer(copy_of(kernels::pack_bias(numbers.data(), numbers.size())));
}

}  // namespace cairn::engine
