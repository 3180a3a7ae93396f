#include <set>

#include "cairn/engine/passes/passes.h"
#include "cairn/engine/passes/rewriter.h"

namespace cairn::engine {
namespace {

bool is_inference_dropout(Rewriter& rewriter, const GraphNode& node) {
  if (node.op_type != "Dropout") return false;
  if (node.outputs.size() > 1 &&
      (!rewriter.users(node.outputs[1]).empty() || rewriter.is_output(node.outputs[1])))
    return false;  // somebody wants the mask
  if (node.inputs.size() < 3 || node.inputs[2].empty()) return true;
  const Tensor* training = rewriter.graph().constant(node.inputs[2]);
  return training != nullptr && training->dtype() == DType::kBool && training->count() == 1 &&
         !*training->data<bool>();
}

bool does_nothing(Rewriter& rewriter, const GraphNode& node) {
  static const std::set<std::string> kNothingForOne = {"Concat", "Sum", "Max", "Min", "Mean"};
  if (node.inputs.empty() || node.inputs[0].empty() || node.outputs.empty()) return false;
  return node.op_type == "Identity" ||
         (kNothingForOne.contains(node.op_type) && node.inputs.size() == 1) ||
         is_inference_dropout(rewriter, node);
}

}  // namespace

void remove_identities(Graph& graph) {
  Rewriter rewriter(graph);
  for (size_t i = 0; i < rewriter.size(); ++i) {
    const GraphNode& node = rewriter.node(i);
    if (!does_nothing(rewriter, node) || rewriter.is_output(node.outputs[0])) continue;
    rewriter.replace_uses(node.outputs[0], node.inputs[0]);
    rewriter.remove(i);
  }
}

}  // namespace cairn::engine
