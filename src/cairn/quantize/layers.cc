#include "cairn/quantize/layers.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/engine/activation.h"
#include "cairn/engine/model.h"
#include "cairn/engine/onnx_reader.h"
#include "cairn/engine/passes/passes.h"
#include "cairn/quantize/opset.h"

namespace cairn::quantize {
namespace {

using engine::Graph;
using engine::GraphNode;
using engine::Tensor;

bool is_of_8_bits(const std::string& op) {
  static const std::set<std::string> kOps = {
      "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger",
      "QLinearConv",    "MatMulInteger",    "QLinearMatMul"};
  return kOps.contains(op);
}

std::map<std::string, const GraphNode*> makers(const Graph& graph) {
  std::map<std::string, const GraphNode*> made_by;
  for (const GraphNode& node : graph.nodes)
    for (const std::string& output : node.outputs) made_by[output] = &node;
  return made_by;
}

// What becomes of a value that one activation alone reads, else the value.
std::string after_activation(const Graph& graph, const std::string& value) {
  const GraphNode* reader = nullptr;
  for (const GraphNode& node : graph.nodes) {
    if (std::find(node.inputs.begin(), node.inputs.end(), value) == node.inputs.end()) continue;
    if (reader != nullptr) return value;
    reader = &node;
  }
  if (reader == nullptr || graph.is_output(value) || !engine::activation_of(graph, *reader))
    return value;
  return reader->outputs[0];
}

}  // namespace

Graph read_for_quantisation(const std::vector<uint8_t>& bytes, const std::string& name) {
  const engine::LoadOptions limits;
  Graph graph = engine::read_onnx(bytes, name, limits.max_tensor_elements);
  graph.max_memory = limits.max_memory;
  for (const auto& [op, count] : graph.operator_counts)
    if (is_of_8_bits(op))
      throw Error(fmt::format(
          "{}: the model is quantised already (it has {}); give the float32 one", name, op));
  engine::remove_identities(graph);
  engine::fold_constants(graph);
  engine::fold_pads(graph);
  engine::fold_affine(graph);
  engine::remove_dead(graph);
  raise_opset(graph);
  return graph;
}

std::vector<Layer> find_layers(const Graph& graph) {
  std::vector<Layer> layers;
  for (const GraphNode& node : graph.nodes) {
    if (node.op_type != "Conv" || node.inputs.size() < 2 || node.outputs.size() != 1) continue;
    const Tensor* const weights = graph.constant(node.inputs[1]);
    if (weights == nullptr || weights->dtype() != engine::DType::kF32 ||
        weights->shape().size() != 4 || weights->count() == 0 || graph.constant(node.inputs[0]))
      continue;
    if (node.inputs.size() > 2 && !node.inputs[2].empty() &&
        graph.constant(node.inputs[2]) == nullptr)
      continue;
    layers.push_back({.output = node.outputs[0],
                      .label = node.name.empty() ? node.outputs[0] : node.name,
                      .input = node.inputs[0],
                      .depthwise = weights->dim(1) == 1 && weights->dim(0) > 1 &&
                                   node.get_int("group", 1) == weights->dim(0)});
  }
  return layers;
}

std::map<std::string, std::string> values_on_grids(const Graph& graph,
                                                   const std::set<std::string>& chosen) {
  std::set<std::string> values;
  for (const Layer& layer : find_layers(graph))
    if (chosen.contains(layer.output)) values.insert(layer.input);
  for (const GraphNode& node : graph.nodes) {
    if (node.op_type != "Add" || node.inputs.size() != 2 || node.inputs[0] == node.inputs[1])
      continue;
    const auto is_other_sum = [&](const std::string& input) {
      return chosen.contains(input) && !values.contains(input) && !graph.is_output(input);
    };
    if (is_other_sum(node.inputs[0]) && is_other_sum(node.inputs[1]) &&
        values.contains(after_activation(graph, node.outputs[0])))
      values.insert(node.inputs[1]);
  }
  const std::map<std::string, const GraphNode*> made_by = makers(graph);
  std::map<std::string, std::string> grids;
  for (std::string value : values) {
    std::vector<std::string> chain;
    while (true) {
      chain.push_back(value);
      const auto maker = made_by.find(value);
      if (maker == made_by.end() || maker->second->op_type != "MaxPool" ||
          maker->second->outputs[0] != value || graph.constant(maker->second->inputs[0]))
        break;
      value = maker->second->inputs[0];
    }
    for (const std::string& link : chain) grids[link] = value;
  }
  return grids;
}

}  // namespace cairn::quantize
