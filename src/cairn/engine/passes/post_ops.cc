#include <cmath>
#include <optional>
#include <set>
#include <string>

#include "cairn/engine/activation.h"
#include "cairn/engine/passes/passes.h"
#include "cairn/engine/passes/rewriter.h"
#include "cairn/engine/quantised.h"

namespace cairn::engine {
namespace {

constexpr size_t kMaxPostOps = 8;

bool is_constant_f32(const Graph& graph, const std::string& value) {
  const Tensor* tensor = graph.constant(value);
  return tensor != nullptr && tensor->dtype() == DType::kF32;
}

// Constant weights make the node's type known, and its layout free to choose.
bool takes_post_ops(const Graph& graph, const GraphNode& node) {
  if ((node.op_type != "Conv" && node.op_type != "Gemm") || node.outputs.size() != 1 ||
      node.inputs.size() < 2 || !is_constant_f32(graph, node.inputs[1]))
    return false;
  return node.inputs.size() < 3 || node.inputs[2].empty() || is_constant_f32(graph, node.inputs[2]);
}

PostOp activation(Activation kind) {
  return {.kind = PostOp::Kind::kActivation, .activation = kind};
}

// Fuses the chain of operators after one node, as far as it goes.
class ChainFuser {
 public:
  ChainFuser(Rewriter& rewriter, size_t i) : rewriter_(rewriter), i_(i) {}

  // Returns the node that then stands for the chain.
  size_t fuse() {
    while (rewriter_.node(i_).post_ops.size() < kMaxPostOps &&
           (fuse_activation() || fuse_gated_activation() || fuse_prelu() || fuse_addition() ||
            fuse_quantisation())) {
    }
    return i_;
  }

  // The quantisation alone.
  bool fuse_quantisation() {
    const int64_t user = only_user("QuantizeLinear");
    if (user < 0 || rewriter_.node(i_).op_type == "Gemm") return false;
    const GraphNode& quantise = rewriter_.node(static_cast<size_t>(user));
    const std::optional<Grid> grid = grid_of(rewriter_.graph(), quantise);
    if (!grid || quantise.inputs[0] != value()) return false;
    const std::string scale = quantise.inputs[1];
    const std::string zero = quantise.inputs.size() > 2 ? quantise.inputs[2] : "";
    PostOp post_op = with_operand(PostOp::Kind::kQuantize, scale);
    std::vector<std::string> inputs = rewriter_.node(i_).inputs;
    inputs.push_back(zero);
    rewriter_.set_inputs(i_, inputs);
    post_op.grid = *grid;
    append(post_op, static_cast<size_t>(user));
    return true;
  }

 private:
  const std::string& value() { return rewriter_.node(i_).outputs[0]; }

  // The one user where it is this operator, else -1.
  int64_t only_user(const char* op) {
    const int64_t user = rewriter_.only_user(value());
    return user >= 0 && rewriter_.node(static_cast<size_t>(user)).op_type == op ? user : -1;
  }

  void append(PostOp post_op, size_t j) {
    rewriter_.node(i_).post_ops.push_back(post_op);
    i_ = rewriter_.merge_into(i_, j);
  }

  // Makes the post-operation read a value.
  PostOp with_operand(PostOp::Kind kind, const std::string& operand) {
    std::vector<std::string> inputs = rewriter_.node(i_).inputs;
    if (inputs.size() < kBaseInputs) inputs.resize(kBaseInputs);
    inputs.push_back(operand);
    rewriter_.set_inputs(i_, inputs);
    return {.kind = kind, .operand = inputs.size() - 1};
  }

  bool fuse_activation() {
    const int64_t user = rewriter_.only_user(value());
    if (user < 0) return false;
    const auto j = static_cast<size_t>(user);
    if (rewriter_.node(j).inputs[0] != value()) return false;
    const std::optional<PostOp> found = activation_of(rewriter_.graph(), rewriter_.node(j));
    if (found) append(*found, j);
    return found.has_value();
  }

  // x * Sigmoid(x) and x * HardSigmoid(x).
  bool fuse_gated_activation() {
    const std::vector<size_t> users = rewriter_.users(value());
    if (users.size() != 2 || rewriter_.is_output(value())) return false;
    for (const auto& [s, m] : {std::pair{users[0], users[1]}, std::pair{users[1], users[0]}}) {
      const GraphNode& gate = rewriter_.node(s);
      const std::optional<PostOp> shape = activation_of(rewriter_.graph(), gate);
      if (!shape || rewriter_.node(m).op_type != "Mul" ||
          rewriter_.only_user(gate.outputs[0]) != static_cast<int64_t>(m))
        continue;
      const bool sixth = std::abs(shape->alpha - 1.f / 6) < 1e-6f && shape->beta == 0.5f;
      PostOp post_op;
      if (shape->activation == Activation::kSigmoid)
        post_op = activation(Activation::kSilu);
      else if (shape->activation == Activation::kHardSigmoid && sixth)
        post_op = activation(Activation::kHardSwish);
      else
        continue;
      rewriter_.remove(s);
      append(post_op, m);
      return true;
    }
    return false;
  }

  bool fuse_prelu() {
    const int64_t user = only_user("PRelu");
    if (user < 0 || rewriter_.node(i_).op_type == "Mul") return false;
    const GraphNode& node = rewriter_.node(static_cast<size_t>(user));
    if (node.inputs.size() != 2 || node.inputs[0] != value() ||
        !is_constant_f32(rewriter_.graph(), node.inputs[1]))
      return false;
    // One slope, or one a channel.
    const Tensor& slope = *rewriter_.graph().constant(node.inputs[1]);
    const Tensor& weights = *rewriter_.graph().constant(rewriter_.node(i_).inputs[1]);
    const size_t rank = slope.shape().size();
    const size_t from_right = weights.shape().size() - 1;
    const bool one_a_channel =
        rank >= from_right && rank <= from_right + 1 &&
        slope.shape()[rank - from_right] == static_cast<int64_t>(slope.count());
    if (rank > from_right + 1 || (slope.count() != 1 && !one_a_channel)) return false;
    const std::string operand = node.inputs[1];
    append(with_operand(PostOp::Kind::kPRelu, operand), static_cast<size_t>(user));
    return true;
  }

  bool fuse_addition() {
    const int64_t user = only_user("Add");
    if (user < 0 || rewriter_.node(i_).op_type == "Gemm") return false;
    const GraphNode& add = rewriter_.node(static_cast<size_t>(user));
    if (add.inputs.size() != 2) return false;
    const std::string other = add.inputs[add.inputs[0] == value() ? 1 : 0];
    if (other.empty() || rewriter_.graph().constant(other) != nullptr) return false;
    append(with_operand(PostOp::Kind::kAdd, other), static_cast<size_t>(user));
    return true;
  }

  Rewriter& rewriter_;
  size_t i_;
};

bool ends_with_sigmoid(const GraphNode& node) {
  return !node.post_ops.empty() && node.post_ops.back().kind == PostOp::Kind::kActivation &&
         (node.post_ops.back().activation == Activation::kSigmoid ||
          node.post_ops.back().activation == Activation::kHardSigmoid);
}

bool multiplies_by(const std::set<std::string>& gates, const GraphNode& node) {
  return node.op_type == "Mul" && node.inputs.size() == 2 && node.outputs.size() == 1 &&
         (gates.contains(node.inputs[0]) || gates.contains(node.inputs[1]));
}

}  // namespace

void fuse_post_ops(Graph& graph) {
  Rewriter rewriter(graph);
  std::set<std::string> gates;  // what a Conv or Gemm and a sigmoid made
  for (size_t i = 0; i < rewriter.size(); ++i) {
    if (rewriter.removed(i)) continue;
    const GraphNode& node = rewriter.node(i);
    if (takes_post_ops(graph, node)) {
      const GraphNode& fused = rewriter.node(ChainFuser(rewriter, i).fuse());
      if (ends_with_sigmoid(fused)) gates.insert(fused.outputs[0]);
    } else if (multiplies_by(gates, node)) {
      ChainFuser(rewriter, i).fuse();
    } else if (node.op_type == "Concat" && node.inputs.size() <= kBaseInputs) {
      ChainFuser(rewriter, i).fuse_quantisation();
    }
  }
}

}  // namespace cairn::engine
