#include "cairn/engine/plan/byte_weights.h"

#include <numeric>

#include "cairn/engine/kernels/expand_depthwise.h"

namespace cairn::engine {

ByteWeights byte_weights(PlanBuilder& builder, const GraphNode& node, const ConvProblem& problem,
                         const Grid& grid) {
  const QuantisedWeights& weights = builder.graph().quantised.at(node.inputs[1]);
  const int8_t* const values = weights.values.data<int8_t>();
  const auto channels = static_cast<size_t>(problem.out[1]);
  const size_t taps = weights.values.count() / channels;
  ByteWeights made;
  made.packed = builder.constant_buffer(builder.weights().made(node.inputs[1], "quads", [&] {
    return copy_of(kernels::pack_quads(values, channels, static_cast<size_t>(problem.in[1]),
                                       window_2d(problem.window)));
  }));
  for (size_t c = 0; c < channels; ++c) {
    const float unit = grid.scale * weights.scales[c];
    const int64_t sum = std::accumulate(values + c * taps, values + (c + 1) * taps, int64_t{0});
    const float bias = problem.bias == nullptr ? 0 : problem.bias->data<float>()[c];
    made.units.push_back(unit);
    made.shifts.push_back(
        static_cast<float>(double{bias} - static_cast<double>(grid.zero * sum) * double{unit}));
  }
  return made;
}

BufferId packed_numbers(PlanBuilder& builder, const std::vector<float>& numbers) {
  return builder.constant_buffer(copy_of(kernels::pack_bias(numbers.data(), numbers.size())));
}

}  // namespace cairn::engine
