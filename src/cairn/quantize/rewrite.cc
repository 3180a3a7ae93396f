#include "cairn/quantize/rewrite.h"

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/engine/passes/passes.h"
#include "cairn/quantize/layers.h"

namespace cairn::quantize {
namespace {

using engine::DType;
using engine::Graph;
using engine::GraphNode;
using engine::Grid;
using engine::Tensor;

class GraphQuantiser {
 public:
  GraphQuantiser(const Graph& graph, const Choice& choice)
      : graph_(graph), choice_(choice), grids_(values_on_grids(graph, choice.layers)) {
    for (const Layer& layer : find_layers(graph)) layers_.insert(layer.output);
    for (const GraphNode& node : graph.nodes) {
      names_.insert(node.inputs.begin(), node.inputs.end());
      names_.insert(node.outputs.begin(), node.outputs.end());
    }
    for (const auto& [name, tensor] : graph.constants) names_.insert(name);
    for (const engine::ValueInfo& input : graph.inputs) names_.insert(input.name);
  }

  Graph quantise() {
    made_ = graph_;
    made_.nodes.clear();
    for (const engine::ValueInfo& input : graph_.inputs) put_on_grid(input.name);
    for (const GraphNode& old : graph_.nodes) {
      GraphNode node = old;
      const bool is_layer = node.op_type == "Conv" && layers_.contains(node.outputs[0]);
      const bool chosen = is_layer && choice_.layers.contains(node.outputs[0]);
      if (!is_layer || chosen)
        for (std::string& input : node.inputs)
          if (const auto found = on_grid_.find(input); found != on_grid_.end())
            input = found->second;
      if (chosen) quantise_layer(node);
      made_.nodes.push_back(node);
      for (const std::string& output : node.outputs) put_on_grid(output);
    }
    engine::remove_dead(made_);
    return std::move(made_);
  }

  ErrorGraph compare() {
    made_ = graph_;
    made_.nodes.clear();
    made_.outputs.clear();
    ErrorGraph compared;
    for (const engine::ValueInfo& input : graph_.inputs) put_on_grid(input.name);
    for (const GraphNode& node : graph_.nodes) {
      made_.nodes.push_back(node);
      for (const std::string& output : node.outputs) put_on_grid(output);
      if (node.op_type == "Conv" && choice_.layers.contains(node.outputs[0]))
        compared.outputs[node.outputs[0]] = compare(node);
    }
    engine::remove_dead(made_);
    compared.graph = std::move(made_);
    return compared;
  }

 private:
  ErrorNames compare(GraphNode node) {
    const std::string value = node.outputs[0];
    node.inputs[0] = on_grid_.at(node.inputs[0]);
    quantise_layer(node);
    node.outputs[0] = unique(value + "/in_8_bits");
    made_.nodes.push_back(node);
    const std::string error = add_node("Sub", {node.outputs[0], value}, value + "/error");
    return {mean_of(error), mean_of(add_node("Mul", {error, error}, error + "/squared")),
            mean_of(add_node("Mul", {value, value}, value + "/squared"))};
  }

  std::string mean_of(const std::string& value) {
    const std::string mean = add_node("GlobalAveragePool", {value}, value + "/mean");
    made_.outputs.push_back({mean, DType::kF32, {}, false});
    return mean;
  }

  std::string unique(std::string name) {
    while (!names_.insert(name).second) name += "'";
    return name;
  }

  std::string constant(const std::string& stem, Tensor tensor) {
    std::string name = unique(stem);
    made_.constants[name] = std::move(tensor);
    return name;
  }

  std::string add_node(const std::string& op, const std::vector<std::string>& inputs,
                       const std::string& output) {
    GraphNode node;
    node.op_type = op;
    node.inputs = inputs;
    node.outputs = {unique(output)};
    node.name = node.outputs[0];
    made_.nodes.push_back(node);
    return node.outputs[0];
  }

  void put_on_grid(const std::string& value) {
    const auto found = grids_.find(value);
    if (found == grids_.end()) return;
    const Grid& grid = choice_.grids.at(found->second);
    CAIRN_ASSERT(grid.type == DType::kU8);
    Tensor zero(DType::kU8, {});
    *zero.data<uint8_t>() = static_cast<uint8_t>(grid.zero);
    const std::string scale_name =
        constant(value + "/scale", Tensor::from_f32({}, std::vector<float>{grid.scale}));
    const std::string zero_name = constant(value + "/zero_point", zero);
    const std::string quantised =
        add_node("QuantizeLinear", {value, scale_name, zero_name}, value + "/quantized");
    on_grid_[value] =
        add_node("DequantizeLinear", {quantised, scale_name, zero_name}, value + "/dequantized");
  }

  void quantise_layer(GraphNode& node) {
    const std::string weights = node.inputs[1];
    auto found = weights_.find(weights);
    if (found == weights_.end()) found = weights_.emplace(weights, quantise(weights)).first;
    node.inputs[1] = found->second;
    const auto shift = choice_.bias_shifts.find(node.outputs[0]);
    if (shift == choice_.bias_shifts.end()) return;
    const Tensor* const old = node.inputs.size() > 2 && !node.inputs[2].empty()
                                  ? graph_.constant(node.inputs[2])
                                  : nullptr;
    Tensor bias = Tensor::from_f32({static_cast<int64_t>(shift->second.size())}, shift->second);
    if (old != nullptr)
      for (size_t c = 0; c < bias.count(); ++c) bias.data<float>()[c] += old->values<float>()[c];
    node.inputs.resize(3);
    node.inputs[2] = constant(
        (old != nullptr ? node.inputs[2] : node.outputs[0] + "/bias") + "/corrected", bias);
  }

  // The dequantised weights.
  std::string quantise(const std::string& weights) {
    const engine::QuantisedWeights made =
        quantise_weights(*graph_.constant(weights), choice_.weight_scales);
    const auto channels = static_cast<int64_t>(made.scales.size());
    Tensor zeros(DType::kI8, {channels});
    std::fill_n(zeros.data<int8_t>(), zeros.count(), int8_t{0});
    const std::string values = constant(weights + "/quantized", made.values);
    const std::string scales =
        constant(weights + "/scale", Tensor::from_f32({channels}, made.scales));
    const std::string zero_points = constant(weights + "/zero_point", zeros);
    std::string value =
        add_node("DequantizeLinear", {values, scales, zero_points}, weights + "/dequantized");
    made_.nodes.back().attributes["axis"] = int64_t{0};
    return value;
  }

  const Graph& graph_;
  const Choice& choice_;
  const std::map<std::string, std::string> grids_;
  std::set<std::string> layers_;
  std::set<std::string> names_;
  std::map<std::string, std::string> on_grid_;  // the dequantised value of each
  std::map<std::string, std::string> weights_;
  Graph made_;
};

}  // namespace

Graph quantise_graph(const Graph& graph, const Choice& choice) {
  return GraphQuantiser(graph, choice).quantise();
}

ErrorGraph error_graph(const Graph& graph, const Choice& choice) {
  return GraphQuantiser(graph, choice).compare();
}

}  // namespace cairn::quantize
