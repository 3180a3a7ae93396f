// Who makes and who uses each value of a graph, kept up to date while a pass changes nodes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cairn/engine/graph.h"

namespace cairn::engine {

class Rewriter {
 public:
  explicit Rewriter(Graph& graph);
  // Drops the removed nodes from the graph.
  ~Rewriter();
  Rewriter(const Rewriter&) = delete;
  Rewriter& operator=(const Rewriter&) = delete;

  Graph& graph() { return graph_; }
  size_t size() const { return graph_.nodes.size(); }
  bool removed(size_t i) const { return removed_[i]; }
  GraphNode& node(size_t i) { return graph_.nodes[i]; }

  // The nodes that use the value, one entry for each use.
  const std::vector<size_t>& users(const std::string& value) const;
  // The one node that uses the value; -1 where there are more uses, or where it is a graph output.
  int64_t only_user(const std::string& value) const;
  bool is_output(const std::string& value) const { return outputs_.contains(value); }

  void remove(size_t i);
  // Every user of `from` uses `to` instead.
  void replace_uses(const std::string& from, const std::string& to);
  // Changes what a node reads.
  void set_inputs(size_t i, std::vector<std::string> inputs);
  // Node i takes the place, and with it the outputs, of the later node j, which is removed. What i
  // made before must have no other users. Returns j: where the node is now.
  size_t merge_into(size_t i, size_t j);
  // Adds a constant under a name that nothing else has.
  std::string add_constant(const std::string& stem, Tensor tensor);

 private:
  void add_uses(size_t i);
  void drop_uses(size_t i);

  Graph& graph_;
  std::vector<bool> removed_;
  std::set<std::string> names_;  // of all values
  std::map<std::string, std::vector<size_t>> users_;
  std::set<std::string> outputs_;
};

}  // namespace cairn::engine
