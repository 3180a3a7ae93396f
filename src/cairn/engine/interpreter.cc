#include "cairn/engine/interpreter.h"

#include <fmt/format.h>

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

std::map<std::string, Tensor> interpret(const Graph& graph, std::map<std::string, Tensor> values,
                                        const std::vector<std::string>& outputs) {
  const std::vector<size_t> order = nodes_for(graph, {outputs.begin(), outputs.end()});
  std::map<std::string, size_t> uses;
  for (const size_t i : order)
    for (const std::string& input : graph.nodes[i].inputs) ++uses[input];
  for (const std::string& output : outputs) ++uses[output];

  HeapAllocator allocator(graph.max_tensor_elements);
  for (const size_t i : order) {
    const GraphNode& node = graph.nodes[i];
    std::vector<const Tensor*> inputs;
    for (const std::string& input : node.inputs) {
      const Tensor* constant = graph.constant(input);
      inputs.push_back(input.empty() ? nullptr : constant ? constant : &values.at(input));
    }
    std::vector<Tensor> results = run_node(graph, node, inputs, allocator);
    for (size_t k = 0; k < node.outputs.size(); ++k)
      if (uses.contains(node.outputs[k])) values[node.outputs[k]] = std::move(results[k]);
    for (const std::string& input : node.inputs)
      if (!input.empty() && --uses[input] == 0) values.erase(input);
  }
  std::map<std::string, Tensor> wanted;
  for (const std::string& output : outputs) {
    const Tensor* constant = graph.constant(output);
    wanted[output] = constant ? *constant : values.at(output);
  }
  return wanted;
}

}  // namespace cairn::engine
