#include "cairn/engine/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <queue>

#include "cairn/base/error.h"

namespace cairn::engine {
namespace {

constexpr int64_t kOldestOpset = 1;  // operators have their own oldest opsets
constexpr int64_t kNewestOpset = 17;

std::map<std::string, size_t> producers_of(const Graph& graph) {
  std::map<std::string, size_t> producers;
  std::set<std::string> given;
  for (const ValueInfo& input : graph.inputs)
    if (!given.insert(input.name).second)
      throw Error(fmt::format("{}: graph input \"{}\" is declared twice", graph.file, input.name));
  for (const auto& [name, tensor] : graph.constants)
    if (!given.insert(name).second)
      throw Error(fmt::format("{}: value \"{}\" is defined twice", graph.file, name));
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string& output : graph.nodes[i].outputs) {
      if (output.empty()) continue;
      if (given.contains(output) || !producers.emplace(output, i).second)
        throw Error(fmt::format("{}: {}: value \"{}\" is defined twice", graph.file,
                                graph.nodes[i].describe(), output));
    }
  }
  return producers;
}

}  // namespace

std::vector<std::string> base_inputs(const GraphNode& node) {
  std::vector<std::string> inputs = node.inputs;
  inputs.resize(std::min(inputs.size(), kBaseInputs));
  while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
  return inputs;
}

const char* op_type_of(const PostOp& post_op) {
  switch (post_op.kind) {
    case PostOp::Kind::kAdd:
      return "Add";
    case PostOp::Kind::kPRelu:
      return "PRelu";
    case PostOp::Kind::kQuantize:
      return "QuantizeLinear";
    case PostOp::Kind::kActivation:
      break;
  }
  CAIRN_ASSERT(false);
  return "";
}

void sort_nodes(Graph& graph) {
  const std::map<std::string, size_t> producers = producers_of(graph);
  std::set<std::string> given;
  for (const ValueInfo& input : graph.inputs) given.insert(input.name);
  const size_t count = graph.nodes.size();
  std::vector<size_t> missing(count, 0);
  std::vector<std::vector<size_t>> users(count);
  for (size_t i = 0; i < count; ++i) {
    for (const std::string& input : graph.nodes[i].inputs) {
      if (input.empty() || given.contains(input) || graph.constants.contains(input)) continue;
      const auto producer = producers.find(input);
      if (producer == producers.end())
        throw Error(fmt::format("{}: {}: input \"{}\" is not defined anywhere", graph.file,
                                graph.nodes[i].describe(), input));
      users[producer->second].push_back(i);
      ++missing[i];
    }
  }
  for (const ValueInfo& output : graph.outputs)
    if (!given.contains(output.name) && !graph.constants.contains(output.name) &&
        !producers.contains(output.name))
      throw Error(fmt::format("{}: graph output \"{}\" is not computed by any node", graph.file,
                              output.name));

  // The lowest ready index first keeps the file's order where that is one.
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < count; ++i)
    if (missing[i] == 0) ready.push(i);
  std::vector<GraphNode> sorted;
  sorted.reserve(count);
  while (!ready.empty()) {
    const size_t i = ready.top();
    ready.pop();
    sorted.push_back(graph.nodes[i]);
    for (const size_t user : users[i])
      if (--missing[user] == 0) ready.push(user);
  }
  if (sorted.size() != count) {
    const auto stuck = std::find_if(missing.begin(), missing.end(), [](size_t n) { return n > 0; });
    throw Error(fmt::format("{}: {}: the graph has a cycle here", graph.file,
                            graph.nodes[static_cast<size_t>(stuck - missing.begin())].describe()));
  }
  graph.nodes = std::move(sorted);
}

void check_operators(const Graph& graph) {
  if (graph.opset < kOldestOpset || graph.opset > kNewestOpset)
    throw Error(fmt::format("{}: opset {} is not supported (only {} to {}); export it again",
                            graph.file, graph.opset, kOldestOpset, kNewestOpset));
  for (const GraphNode& node : graph.nodes) {
    const auto unsupported = [&](const std::string& why) {
      throw Error(fmt::format("{}: unsupported operator {}{}{}: {}", graph.file,
                              node.domain.empty() ? "" : node.domain + ".", node.op_type,
                              why.empty() ? "" : " (" + why + ")", node.describe()));
    };
    const OpInfo* op = node.domain.empty() ? find_op(node.op_type) : nullptr;
    if (op == nullptr) unsupported("");
    if (graph.opset < op->min_opset || graph.opset > op->max_opset)
      unsupported(fmt::format("in opset {}; known from {} to {}", graph.opset, op->min_opset,
                              op->max_opset));
    for (const auto& [key, value] : node.attributes)
      if (std::find(op->attributes.begin(), op->attributes.end(), key) == op->attributes.end())
        throw Error(
            fmt::format("{}: {}: unsupported attribute \"{}\"", graph.file, node.describe(), key));
  }
}

std::vector<size_t> nodes_for(const Graph& graph, const std::set<std::string>& outputs) {
  std::set<std::string> needed = outputs;
  std::vector<size_t> nodes;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const GraphNode& node = graph.nodes[i];
    const bool used = std::any_of(node.outputs.begin(), node.outputs.end(),
                                  [&](const std::string& value) { return needed.contains(value); });
    if (!used) continue;
    nodes.push_back(i);
    for (const std::string& input : node.inputs)
      if (!input.empty()) needed.insert(input);
  }
  std::reverse(nodes.begin(), nodes.end());
  return nodes;
}

}  // namespace cairn::engine
