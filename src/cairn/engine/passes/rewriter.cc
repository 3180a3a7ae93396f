#include "cairn/engine/passes/rewriter.h"

#include <algorithm>

namespace cairn::engine {

Rewriter::Rewriter(Graph& graph) : graph_(graph), removed_(graph.nodes.size(), false) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    names_.insert(graph.nodes[i].outputs.begin(), graph.nodes[i].outputs.end());
    names_.insert(graph.nodes[i].inputs.begin(), graph.nodes[i].inputs.end());
    add_uses(i);
  }
  for (const auto& [name, tensor] : graph.constants) names_.insert(name);
  for (const ValueInfo& input : graph.inputs) names_.insert(input.name);
  for (const ValueInfo& output : graph.outputs) outputs_.insert(output.name);
}

Rewriter::~Rewriter() {
  std::vector<GraphNode> kept;
  kept.reserve(graph_.nodes.size());
  for (size_t i = 0; i < graph_.nodes.size(); ++i)
    if (!removed_[i]) kept.push_back(std::move(graph_.nodes[i]));
  graph_.nodes = std::move(kept);
}

void Rewriter::add_uses(size_t i) {
  for (const std::string& input : graph_.nodes[i].inputs)
    if (!input.empty()) users_[input].push_back(i);
}

void Rewriter::drop_uses(size_t i) {
  for (const std::string& input : graph_.nodes[i].inputs)
    if (!input.empty()) std::erase(users_[input], i);
}

const std::vector<size_t>& Rewriter::users(const std::string& value) const {
  static const std::vector<size_t> kNone;
  const auto found = users_.find(value);
  return found == users_.end() ? kNone : found->second;
}

int64_t Rewriter::only_user(const std::string& value) const {
  const std::vector<size_t>& all = users(value);
  return all.size() == 1 && !is_output(value) ? static_cast<int64_t>(all[0]) : -1;
}

void Rewriter::remove(size_t i) {
  drop_uses(i);
  removed_[i] = true;
}

void Rewriter::replace_uses(const std::string& from, const std::string& to) {
  const std::vector<size_t> affected = users(from);
  for (const size_t user : affected)
    std::replace(graph_.nodes[user].inputs.begin(), graph_.nodes[user].inputs.end(), from, to);
  std::vector<size_t>& moved = users_[to];
  moved.insert(moved.end(), affected.begin(), affected.end());
  users_.erase(from);
}

void Rewriter::set_inputs(size_t i, std::vector<std::string> inputs) {
  drop_uses(i);
  graph_.nodes[i].inputs = std::move(inputs);
  add_uses(i);
}

size_t Rewriter::merge_into(size_t i, size_t j) {
  std::vector<std::string> outputs = graph_.nodes[j].outputs;
  GraphNode merged = graph_.nodes[i];
  remove(i);
  drop_uses(j);
  merged.outputs = std::move(outputs);
  graph_.nodes[j] = std::move(merged);
  add_uses(j);
  return j;
}

std::string Rewriter::add_constant(const std::string& stem, Tensor tensor) {
  std::string name = stem;
  while (!names_.insert(name).second) name += "'";
  graph_.constants[name] = std::move(tensor);
  return name;
}

}  // namespace cairn::engine
