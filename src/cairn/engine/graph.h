// The graph as the passes and the executor see it: nodes in execution order and constants by name.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cairn/engine/model.h"
#include "cairn/engine/op.h"

namespace cairn::engine {

// Numbers of 8 bits (kU8, kI8) that stand for real ones: real = (number - zero) * scale.
struct Grid {
  DType type = DType::kU8;
  float scale = 1;
  int32_t zero = 0;
  bool operator==(const Grid&) const = default;
};

enum class Activation { kRelu, kClip, kSigmoid, kSilu, kHardSwish, kHardSigmoid, kTanh, kElu };

// What a fused Conv or Gemm does to each result before it is written.
struct PostOp {
  enum class Kind { kActivation, kAdd, kPRelu, kQuantize };
  Kind kind = Kind::kActivation;
  Activation activation = Activation::kRelu;
  float alpha = 0;  // leaky slope, lower bound, …
  float beta = 0;   // upper bound, …
  // Which of the node's inputs is the other term (kAdd), the slopes (kPRelu), or the scale, which
  // the zero point follows (kQuantize).
  size_t operand = 0;
  Grid grid{};  // kQuantize, which is always the last
};

// A fused node's inputs up to here are its own (data, weights, bias); what its post-operations read
// comes after.
inline constexpr size_t kBaseInputs = 3;

// A node of the file, or one that a pass made of several. Fused nodes are float32 up to kQuantize.
struct GraphNode : Node {
  std::vector<PostOp> post_ops;

  // The grid of the quantisation at the end; null where there is none.
  const Grid* final_grid() const {
    const bool quantised = !post_ops.empty() && post_ops.back().kind == PostOp::Kind::kQuantize;
    return quantised ? &post_ops.back().grid : nullptr;
  }
};

// What a float32 constant was dequantised from: -127 to 127, times one scale for each index of the
// first axis.
struct QuantisedWeights {
  Tensor values;  // int8
  std::vector<float> scales;
};

struct Graph {
  std::string file;  // for messages
  int64_t opset = 13;
  uint64_t max_tensor_elements = 0;  // see LoadOptions
  uint64_t max_memory = 0;
  std::vector<GraphNode> nodes;                       // every input is made before it is used
  std::map<std::string, Tensor> constants;            // initialisers, Constant nodes, folded values
  std::map<std::string, QuantisedWeights> quantised;  // what some of the constants are, exactly
  std::vector<ValueInfo> inputs;                      // without initialisers
  std::vector<ValueInfo> outputs;
  std::map<std::string, std::string> metadata;
  std::map<DType, int64_t> parameters;  // how many of each type, see Model
  std::map<std::string, int> operator_counts;

  bool is_output(const std::string& value) const {
    for (const ValueInfo& output : outputs)
      if (output.name == value) return true;
    return false;
  }
  // The constant, or null.
  const Tensor* constant(const std::string& value) const {
    const auto found = constants.find(value);
    return found == constants.end() ? nullptr : &found->second;
  }
};

// A fused node's own inputs, without those that are left out at the end.
std::vector<std::string> base_inputs(const GraphNode& node);

// The operator of the file that a post-operation other than an activation was.
const char* op_type_of(const PostOp& post_op);

// Puts the nodes into execution order (the file's own where that is one). Throws Error that names
// the node for an undefined input, a value made twice and a cycle.
void sort_nodes(Graph& graph);

// Throws Error that names the node for operators, opsets and attributes that the engine does not
// know.
void check_operators(const Graph& graph);

// The indices of the nodes that the outputs need, in order.
std::vector<size_t> nodes_for(const Graph& graph, const std::set<std::string>& outputs);

}  // namespace cairn::engine
