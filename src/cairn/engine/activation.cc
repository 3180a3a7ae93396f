#include "cairn/engine/activation.h"

#include <limits>

namespace cairn::engine {
namespace {

PostOp activation(Activation kind, float alpha = 0, float beta = 0) {
  return {.kind = PostOp::Kind::kActivation, .activation = kind, .alpha = alpha, .beta = beta};
}

// A bound of Clip: an attribute up to opset 10, then an input. Nothing where it is not constant.
std::optional<float> clip_bound(const Graph& graph, const Node& node, const char* attribute,
                                size_t input, float fallback) {
  if (node.inputs.size() <= input || node.inputs[input].empty())
    return node.get_float(attribute, fallback);
  const Tensor* bound = graph.constant(node.inputs[input]);
  if (bound == nullptr || bound->dtype() != DType::kF32 || bound->count() != 1) return std::nullopt;
  return *bound->data<float>();
}

}  // namespace

std::optional<PostOp> activation_of(const Graph& graph, const Node& node) {
  const std::string& op = node.op_type;
  if (node.outputs.size() != 1) return std::nullopt;
  if (op == "Relu") return activation(Activation::kRelu);
  if (op == "LeakyRelu") return activation(Activation::kRelu, node.get_float("alpha", 0.01f));
  if (op == "Sigmoid") return activation(Activation::kSigmoid);
  if (op == "Tanh") return activation(Activation::kTanh);
  if (op == "Elu") return activation(Activation::kElu, node.get_float("alpha", 1));
  if (op == "HardSwish") return activation(Activation::kHardSwish);
  if (op == "HardSigmoid")
    return activation(Activation::kHardSigmoid, node.get_float("alpha", 0.2f),
                      node.get_float("beta", 0.5f));
  if (op == "Clip") {
    constexpr float kLargest = std::numeric_limits<float>::max();
    const auto low = clip_bound(graph, node, "min", 1, -kLargest);
    const auto high = clip_bound(graph, node, "max", 2, kLargest);
    if (low && high && *low <= *high) return activation(Activation::kClip, *low, *high);
  }
  return std::nullopt;
}

}  // namespace cairn::engine
