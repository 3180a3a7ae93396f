#include <algorithm>

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
  std::erase_if(graph.constants, [&](const auto& entry) { return !used.contains(entry.first); });
}

}  // namespace cairn::engine
