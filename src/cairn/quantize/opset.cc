#include "cairn/quantize/opset.h"

#include <fmt/format.h>

#include <map>

#include "cairn/base/error.h"

namespace cairn::quantize {
namespace {

using engine::Graph;
using engine::GraphNode;

constexpr int64_t kOldest = 11;
constexpr int64_t kWanted = 13;

void attribute_to_input(Graph& graph, GraphNode& node, const std::string& attribute) {
  if (!node.has_attribute(attribute)) return;
  const std::vector<int64_t> values = node.get_ints(attribute);
  std::string name = node.outputs[0] + "/" + attribute;
  while (graph.constants.contains(name)) name += "'";
  graph.constants[name] = engine::Tensor::from_i64({static_cast<int64_t>(values.size())}, values);
  node.attributes.erase(attribute);
  node.inputs.push_back(name);
}

}  // namespace

void raise_opset(Graph& graph) {
  if (graph.opset >= kWanted) return;
  const auto fail = [&](const std::string& why) {
    throw Error(
        fmt::format("{}: opset {} cannot be raised to 13, which quantisation needs ({}); "
                    "export the model again with opset 13 or later",
                    graph.file, graph.opset, why));
  };
  if (graph.opset < kOldest) fail("only 11 and 12 can");
  static const std::map<std::string, std::string> kBecameInputs = {
      {"Squeeze", "axes"}, {"Unsqueeze", "axes"}, {"ReduceSum", "axes"}, {"Split", "split"}};
  for (GraphNode& node : graph.nodes) {
    if (const auto found = kBecameInputs.find(node.op_type); found != kBecameInputs.end())
      attribute_to_input(graph, node, found->second);
    const bool softmax =
        node.op_type == "Softmax" || node.op_type == "LogSoftmax" || node.op_type == "Hardmax";
    if (softmax && node.get_int("axis", 1) != -1) fail(node.describe());
    if (node.op_type == "Dropout" && graph.opset < 12) fail(node.describe());
    if (node.op_type == "Resize" &&
        node.get_string("coordinate_transformation_mode", "") == "tf_half_pixel_for_nn")
      fail(node.describe());
  }
  graph.opset = kWanted;
  engine::check_operators(graph);
}

}  // namespace cairn::quantize
