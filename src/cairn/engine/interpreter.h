// The plain way to run a graph: one function of ops/ after the other, tensors on the heap.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cairn/engine/graph.h"

namespace cairn::engine {

// Heap tensors of at most max_elements each; throws Error for a larger one.
class HeapAllocator : public Allocator {
 public:
  explicit HeapAllocator(uint64_t max_elements) : max_elements_(max_elements) {}
  Tensor allocate(size_t index, DType type, const Shape& shape) override;

 private:
  uint64_t max_elements_;
};

// Throws Error where the tensor would have a negative dimension or more than max_elements.
void check_size(const Shape& shape, uint64_t max_elements);

// Runs one node of the file (no post_ops) on the given inputs (null where left out). Throws Error
// that starts with the graph's file.
std::vector<Tensor> run_node(const Graph& graph, const Node& node,
                             std::vector<const Tensor*> inputs, Allocator& allocator);

// Runs a node with its post-operations, each on its own.
std::vector<Tensor> run_graph_node(const Graph& graph, const GraphNode& node,
                                   std::vector<const Tensor*> inputs, Allocator& allocator);

// What an activation makes of one number.
float activate(const PostOp& activation, float x);

// Runs the nodes on the values, which hold the graph inputs; returns the wanted outputs. Values are
// freed after their last use.
std::map<std::string, Tensor> interpret(const Graph& graph, std::map<std::string, Tensor> values,
                                        const std::vector<std::string>& outputs);

}  // namespace cairn::engine
