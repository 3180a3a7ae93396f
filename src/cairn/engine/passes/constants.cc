#include <algorithm>
#include <cmath>
#include <span>

#include "cairn/base/error.h"
#include "cairn/engine/interpreter.h"
#include "cairn/engine/passes/passes.h"
#include "cairn/engine/passes/rewriter.h"

namespace cairn::engine {
namespace {

// Beyond this a folded value would cost more memory than it saves time (and a small file could make
// many of them).
constexpr uint64_t kMaxFoldedElements = uint64_t{1} << 22;

bool folds(const Graph& graph, const GraphNode& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& input) {
    return input.empty() || graph.constants.contains(input);
  });
}

// Remembers of weights of a Conv that they are 8 bits on one grid per output channel.
void remember_quantised(Graph& graph, const GraphNode& node) {
  if (node.op_type != "DequantizeLinear" || node.outputs.size() != 1) return;
  const Tensor& values = *graph.constant(node.inputs[0]);
  const Tensor& scales = *graph.constant(node.inputs[1]);
  const auto rank = static_cast<int64_t>(values.shape().size());
  if (values.dtype() != DType::kI8 || rank < 3) return;
  const auto channels = static_cast<size_t>(values.dim(0));
  const int64_t axis = node.get_int("axis", 1);
  const bool along_first = (axis < 0 ? axis + rank : axis) == 0 && scales.count() == channels;
  if (!along_first && !(scales.count() == 1 && scales.shape().empty())) return;
  if (node.inputs.size() > 2 && !node.inputs[2].empty()) {
    const std::span<const int8_t> zeros = graph.constant(node.inputs[2])->values<int8_t>();
    if (std::any_of(zeros.begin(), zeros.end(), [](int8_t zero) { return zero != 0; })) return;
  }
  std::vector<float> all(scales.values<float>().begin(), scales.values<float>().end());
  if (std::any_of(all.begin(), all.end(), [](float s) { return !(s > 0) || !std::isfinite(s); }))
    return;
  all.resize(channels, all[0]);
  graph.quantised[node.outputs[0]] = {values, std::move(all)};
}

}  // namespace

void fold_constants(Graph& graph) {
  uint64_t budget = 16 * kMaxFoldedElements;
  Rewriter rewriter(graph);
  for (size_t i = 0; i < rewriter.size(); ++i) {
    const GraphNode& node = rewriter.node(i);
    if (!folds(graph, node)) continue;
    std::vector<const Tensor*> inputs;
    for (const std::string& input : node.inputs) inputs.push_back(graph.constant(input));
    std::vector<Tensor> results;
    try {
      HeapAllocator allocator(std::min({kMaxFoldedElements, budget, graph.max_tensor_elements}));
      results = run_node(graph, node, inputs, allocator);
    } catch (const Error&) {
      continue;  // too large, or wrong: then running the model says so, where the value is needed
    }
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (node.outputs[k].empty()) continue;
      budget -= std::min<uint64_t>(budget, results[k].count());
      graph.constants[node.outputs[k]] = std::move(results[k]);
    }
    remember_quantised(graph, node);
    rewriter.remove(i);
  }
}

void remove_dead(Graph& graph) {
  std::set<std::string> used;
  for (const ValueInfo& output : graph.outputs) used.insert(output.name);
  std::vector<GraphNode> kept;
  for (const size_t i : nodes_for(graph, used)) kept.push_back(std::move(graph.nodes[i]));
  graph.nodes = std::move(kept);
  for (const GraphNode& node : graph.nodes) used.insert(node.inputs.begin(), node.inputs.end());
  const auto unused = [&](const auto& entry) { return !used.contains(entry.first); };
  std::erase_if(graph.constants, unused);
  std::erase_if(graph.quantised, unused);
}

}  // namespace cairn::engine
