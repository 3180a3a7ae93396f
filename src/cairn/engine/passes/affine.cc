#include <cmath>
#include <optional>

#include "cairn/engine/passes/passes.h"
#include "cairn/engine/passes/rewriter.h"

namespace cairn::engine {
namespace {

// y = scale * x + shift, one pair per channel.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

// A Conv or Gemm whose weights can take in what follows.
struct Target {
  size_t channels = 0;  // of the output
  size_t rank = 0;      // of the output
  size_t stride = 0;    // between weights of one channel: 1 for a Gemm that is not transposed
};

const Tensor* constant_f32(const Graph& graph, const GraphNode& node, size_t input) {
  if (node.inputs.size() <= input) return nullptr;
  const Tensor* tensor = graph.constant(node.inputs[input]);
  return tensor != nullptr && tensor->dtype() == DType::kF32 ? tensor : nullptr;
}

bool lacks_input(const GraphNode& node, size_t input) {
  return node.inputs.size() <= input || node.inputs[input].empty();
}

std::optional<Target> target_of(const Graph& graph, const GraphNode& node) {
  const bool conv = node.op_type == "Conv";
  if ((!conv && node.op_type != "Gemm") || node.outputs.size() != 1) return std::nullopt;
  const Tensor* weights = constant_f32(graph, node, 1);
  if (weights == nullptr || weights->shape().size() < 2 || weights->count() == 0)
    return std::nullopt;
  const bool rows = conv || node.get_int("transB", 0) != 0;
  if (!conv && weights->shape().size() != 2) return std::nullopt;
  Target target;
  target.channels = static_cast<size_t>(weights->dim(rows ? 0 : 1));
  target.rank = weights->shape().size();
  target.stride = rows ? weights->count() / target.channels : 1;
  if (lacks_input(node, 2)) return target;
  const Tensor* bias = constant_f32(graph, node, 2);
  if (bias == nullptr) return std::nullopt;
  const bool one_a_channel =
      bias->count() == target.channels &&
      (bias->shape().size() == 1 || (!conv && bias->shape().size() == 2 && bias->dim(0) == 1));
  if (!one_a_channel && (conv || bias->count() != 1 || bias->shape().size() > 2))
    return std::nullopt;
  return target;
}

// The constant as one number per channel; nothing where it does not broadcast that way.
std::optional<std::vector<double>> per_channel(const Tensor& tensor, const Target& target) {
  const auto values = tensor.values<float>();
  const size_t rank = tensor.shape().size();
  if (rank > target.rank) return std::nullopt;
  if (values.size() == 1) return std::vector<double>(target.channels, values[0]);
  const size_t from_right = target.rank - 1;  // the channel axis is 1
  if (values.size() != target.channels || rank < from_right ||
      tensor.shape()[rank - from_right] != static_cast<int64_t>(target.channels))
    return std::nullopt;
  return std::vector<double>(values.begin(), values.end());
}

std::optional<Affine> batch_norm(const Graph& graph, const GraphNode& node, const Target& target) {
  if (node.get_int("training_mode", 0) != 0 || node.outputs.size() != 1) return std::nullopt;
  const Tensor* parts[4];
  for (size_t i = 0; i < 4; ++i) {
    parts[i] = constant_f32(graph, node, i + 1);
    if (parts[i] == nullptr || parts[i]->count() != target.channels) return std::nullopt;
  }
  const double epsilon = node.get_float("epsilon", 1e-5f);
  Affine affine;
  for (size_t c = 0; c < target.channels; ++c) {
    const double variance = parts[3]->data<float>()[c];
    const double scale = parts[0]->data<float>()[c] / std::sqrt(variance + epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back(parts[1]->data<float>()[c] - scale * parts[2]->data<float>()[c]);
  }
  return affine;
}

std::optional<Affine> affine_of(const Graph& graph, const GraphNode& node, const std::string& value,
                                const Target& target) {
  if (node.op_type == "BatchNormalization" && node.inputs[0] == value)
    return batch_norm(graph, node, target);
  const bool add = node.op_type == "Add";
  const bool subtract = node.op_type == "Sub";
  const bool divide = node.op_type == "Div";
  if ((!add && !subtract && !divide && node.op_type != "Mul") || node.inputs.size() != 2)
    return std::nullopt;
  const size_t other = node.inputs[0] == value ? 1 : 0;
  const Tensor* tensor = constant_f32(graph, node, other);
  if (tensor == nullptr || (divide && other == 0)) return std::nullopt;
  std::optional<std::vector<double>> numbers = per_channel(*tensor, target);
  if (!numbers) return std::nullopt;
  Affine affine{std::vector<double>(target.channels, 1), std::vector<double>(target.channels, 0)};
  for (size_t c = 0; c < target.channels; ++c) {
    const double number = (*numbers)[c];
    if (add || subtract) {
      affine.scale[c] = subtract && other == 0 ? -1 : 1;
      affine.shift[c] = subtract && other == 1 ? -number : number;
    } else {
      affine.scale[c] = divide ? 1 / number : number;
    }
  }
  return affine;
}

void fold_into(Rewriter& rewriter, size_t i, const Target& target, const Affine& affine) {
  GraphNode& node = rewriter.node(i);
  const bool gemm = node.op_type == "Gemm";
  const double alpha = gemm ? node.get_float("alpha", 1) : 1;
  const double beta = gemm ? node.get_float("beta", 1) : 1;
  const Graph& graph = rewriter.graph();
  const Tensor& old = *graph.constant(node.inputs[1]);
  Tensor weights(DType::kF32, old.shape());
  for (size_t k = 0; k < old.count(); ++k)
    weights.data<float>()[k] = static_cast<float>(
        old.data<float>()[k] * alpha * affine.scale[k / target.stride % target.channels]);
  const Tensor* old_bias = lacks_input(node, 2) ? nullptr : graph.constant(node.inputs[2]);
  Tensor bias(DType::kF32, {static_cast<int64_t>(target.channels)});
  for (size_t c = 0; c < target.channels; ++c) {
    double before = 0;
    if (old_bias != nullptr)
      before = beta * old_bias->data<float>()[old_bias->count() == 1 ? 0 : c];
    bias.data<float>()[c] = static_cast<float>(before * affine.scale[c] + affine.shift[c]);
  }
  node.attributes.erase("alpha");
  node.attributes.erase("beta");
  const std::string stem = node.inputs[1];
  rewriter.set_inputs(i, {node.inputs[0], rewriter.add_constant(stem + "/folded", weights),
                          rewriter.add_constant(stem + "/bias", bias)});
}

}  // namespace

void fold_affine(Graph& graph) {
  Rewriter rewriter(graph);
  for (size_t i = 0; i < rewriter.size(); ++i) {
    if (rewriter.removed(i)) continue;
    const std::optional<Target> target = target_of(graph, rewriter.node(i));
    if (!target) continue;
    const std::string value = rewriter.node(i).outputs[0];
    const int64_t user = rewriter.only_user(value);
    if (user < 0) continue;
    const auto j = static_cast<size_t>(user);
    const std::optional<Affine> affine = affine_of(graph, rewriter.node(j), value, *target);
    if (!affine || rewriter.node(j).outputs.size() != 1) continue;
    fold_into(rewriter, i, *target, *affine);
    rewriter.merge_into(i, j);  // visited again at j, for what follows there
  }
}

}  // namespace cairn::engine
