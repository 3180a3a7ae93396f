#include <algorithm>

#include "cairn/engine/passes/passes.h"
#include "cairn/engine/passes/rewriter.h"

namespace cairn::engine {
namespace {

constexpr int64_t kMaxPad = 1 << 20;

bool is_zero(const Graph& graph, const GraphNode& node, size_t input) {
  if (node.inputs.size() <= input || node.inputs[input].empty()) return true;
  const Tensor* value = graph.constant(node.inputs[input]);
  return value != nullptr && value->dtype() == DType::kF32 && value->count() == 1 &&
         *value->data<float>() == 0;
}

// The pads of a Pad node that adds constant zeros to spatial axes only ([begin…, end…] without N
// and C); empty where it does anything else or does not say so in constants.
std::vector<int64_t> zero_spatial_pads(const Graph& graph, const GraphNode& node) {
  if (node.get_string("mode", "constant") != "constant" || node.get_float("value", 0) != 0 ||
      !is_zero(graph, node, 2))
    return {};
  std::vector<int64_t> pads = node.get_ints("pads");
  if (node.inputs.size() > 1) {
    const Tensor* given = graph.constant(node.inputs[1]);
    if (given == nullptr || given->dtype() != DType::kI64 || given->shape().size() != 1) return {};
    pads.assign(given->data<int64_t>(), given->data<int64_t>() + given->count());
  }
  const size_t rank = pads.size() / 2;
  if (pads.size() % 2 != 0 || rank < 3) return {};
  if (std::any_of(pads.begin(), pads.end(), [](int64_t pad) { return pad < 0 || pad > kMaxPad; }))
    return {};
  if (pads[0] != 0 || pads[1] != 0 || pads[rank] != 0 || pads[rank + 1] != 0) return {};
  const auto half = pads.begin() + static_cast<int64_t>(rank);
  std::vector<int64_t> spatial(pads.begin() + 2, half);
  spatial.insert(spatial.end(), half + 2, pads.end());
  return spatial;
}

}  // namespace

void fold_pads(Graph& graph) {
  Rewriter rewriter(graph);
  for (size_t i = 0; i < rewriter.size(); ++i) {
    const GraphNode& pad = rewriter.node(i);
    if (pad.op_type != "Pad" || pad.outputs.empty() || pad.inputs.empty()) continue;
    const int64_t user = rewriter.only_user(pad.outputs[0]);
    if (user < 0) continue;
    GraphNode& conv = rewriter.node(static_cast<size_t>(user));
    if (conv.op_type != "Conv" || conv.inputs[0] != pad.outputs[0]) continue;
    const std::string auto_pad = conv.get_string("auto_pad", "NOTSET");
    if (auto_pad != "NOTSET" && auto_pad != "VALID") continue;
    const std::vector<int64_t> pads = zero_spatial_pads(graph, pad);
    std::vector<int64_t> own(pads.size(), 0);
    if (auto_pad == "NOTSET") own = conv.get_ints("pads", own);
    if (pads.empty() || own.size() != pads.size()) continue;
    const auto odd = [](int64_t value) { return value < 0 || value > kMaxPad; };
    if (std::any_of(own.begin(), own.end(), odd)) continue;
    for (size_t k = 0; k < pads.size(); ++k) own[k] += pads[k];
    conv.attributes.erase("auto_pad");
    conv.attributes["pads"] = own;
    std::vector<std::string> inputs = conv.inputs;
    inputs[0] = pad.inputs[0];
    rewriter.set_inputs(static_cast<size_t>(user), inputs);
    rewriter.remove(i);
  }
}

}  // namespace cairn::engine
