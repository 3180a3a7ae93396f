#include "cairn/engine/interpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cairn/base/error.h"

namespace cairn::engine {

void check_size(const Shape& shape, uint64_t max_elements) {
  uint64_t count = 1;
  for (const int64_t dim : shape) {
    if (dim < 0) throw Error(fmt::format("a dimension would be {}", dim));
    if (dim > 0 && count > max_elements / static_cast<uint64_t>(dim))
      throw Error(fmt::format("a tensor would have more than {} elements", max_elements));
    count *= static_cast<uint64_t>(dim);
  }
}

Tensor HeapAllocator::allocate(size_t, DType type, const Shape& shape) {
  check_size(shape, max_elements_);
  return {type, shape};
}

std::vector<Tensor> run_node(const Graph& graph, const Node& node,
                             std::vector<const Tensor*> inputs, Allocator& allocator) {
  OpContext context{.node = node,
                    .opset = graph.opset,
                    .inputs = std::move(inputs),
                    .outputs = std::vector<Tensor>(node.outputs.size()),
                    .allocator = &allocator};
  try {
    find_op(node.op_type)->run(context);
  } catch (const Error& error) {
    const std::string message = error.what();
    const std::string who = node.describe();
    throw Error(graph.file + ": " + (message.starts_with(who) ? "" : who + ": ") + message);
  }
  return std::move(context.outputs);
}

float activate(const PostOp& activation, float x) {
  const float a = activation.alpha;
  const float b = activation.beta;
  switch (activation.activation) {
    case Activation::kRelu:
      return x > 0 ? x : a * x;
    case Activation::kClip:
      return std::min(std::max(x, a), b);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kHardSwish:
      return x * std::min(std::max(x + 3, 0.f), 6.f) / 6;
    case Activation::kHardSigmoid:
      return std::min(std::max(a * x + b, 0.f), 1.f);
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kElu:
      return x > 0 ? x : a * std::expm1(x);
  }
  CAIRN_ASSERT(false);
  return 0;
}

std::vector<Tensor> run_graph_node(const Graph& graph, const GraphNode& node,
                                   std::vector<const Tensor*> inputs, Allocator& allocator) {
  if (node.post_ops.empty()) return run_node(graph, node, std::move(inputs), allocator);
  std::vector<const Tensor*> base = inputs;
  base.resize(base_inputs(node).size());
  HeapAllocator heap(graph.max_tensor_elements);
  Tensor value = run_node(graph, node, std::move(base), heap)[0];
  for (const PostOp& post_op : node.post_ops) {
    if (post_op.kind == PostOp::Kind::kActivation) {
      for (float& x : std::span(value.data<float>(), value.count())) x = activate(post_op, x);
      continue;
    }
    Node other;
    other.op_type = op_type_of(post_op);
    other.name = node.describe();
    other.outputs = node.outputs;
    std::vector<const Tensor*> operands = {&value, inputs[post_op.operand]};
    if (post_op.kind == PostOp::Kind::kQuantize) operands.push_back(inputs[post_op.operand + 1]);
    value = run_node(graph, other, std::move(operands), heap)[0];
  }
  Tensor result = allocator.allocate(0, value.dtype(), value.shape());
  if (value.bytes() > 0) std::memcpy(result.data<char>(), value.data<char>(), value.bytes());
  return {result};
}

std::map<std::string, Tensor> interpret(const Graph& graph, std::map<std::string, Tensor> values,
                                        const std::vector<std::string>& outputs) {
  const std::vector<size_t> order = nodes_for(graph, {outputs.begin(), outputs.end()});
  std::map<std::string, size_t> uses;
  for (const size_t i : order)
    for (const std::string& input : graph.nodes[i].inputs) ++uses[input];
  for (const std::string& output : outputs) ++uses[output];

  HeapAllocator allocator(graph.max_tensor_elements);
  uint64_t living = 0;  // bytes
  for (const auto& [name, tensor] : values) living += tensor.bytes();
  for (const size_t i : order) {
    const GraphNode& node = graph.nodes[i];
    std::vector<const Tensor*> inputs;
    for (const std::string& input : node.inputs) {
      const Tensor* constant = graph.constant(input);
      inputs.push_back(input.empty() ? nullptr : constant ? constant : &values.at(input));
    }
    std::vector<Tensor> results = run_graph_node(graph, node, inputs, allocator);
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (!uses.contains(node.outputs[k])) continue;
      living += results[k].bytes();
      values[node.outputs[k]] = std::move(results[k]);
    }
    if (living > graph.max_memory)
      throw Error(fmt::format("{}: {}: more than {} bytes of values live at once", graph.file,
                              node.describe(), graph.max_memory));
    for (const std::string& input : node.inputs) {
      if (input.empty() || --uses[input] > 0 || !values.contains(input)) continue;
      living -= values[input].bytes();
      values.erase(input);
    }
  }
  std::map<std::string, Tensor> wanted;
  for (const std::string& output : outputs) {
    const Tensor* constant = graph.constant(output);
    wanted[output] = constant ? *constant : values.at(output);
  }
  return wanted;
}

}  // namespace cairn::engine
