// Operators: how one ONNX node is computed.
//
// Every operator that the engine knows is one function in ops/, found by its name in find_op(). The
// function reads its attributes and inputs from an OpContext and makes its outputs there. It says
// by cairn::Error what it does not support; it never approximates. The executor replaces the hot
// ones (Conv, Gemm, pooling, activations) by oneDNN primitives; the functions in ops/ serve
// everything else, constant folding, and as the scalar reference.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cairn/engine/tensor.h"

namespace cairn::engine {

using AttributeValue = std::variant<int64_t, float, std::string, std::vector<int64_t>,
                                    std::vector<float>, std::vector<std::string>, Tensor>;

struct Node {
  std::string op_type;
  std::string name;  // may be empty
  std::string domain;
  std::vector<std::string> inputs;   // "" where an optional input is left out
  std::vector<std::string> outputs;  // "" where an optional output is left out
  std::map<std::string, AttributeValue> attributes;

  // For messages: Conv node "conv_1" (or its first output where it has no name).
  std::string describe() const;

  bool has_attribute(std::string_view key) const;
  // The attribute, or the default where it is missing. Throws Error where it has another type.
  int64_t get_int(std::string_view key, int64_t fallback) const;
  float get_float(std::string_view key, float fallback) const;
  std::string get_string(std::string_view key, const std::string& fallback) const;
  std::vector<int64_t> get_ints(std::string_view key, std::vector<int64_t> fallback = {}) const;
  std::vector<float> get_floats(std::string_view key, std::vector<float> fallback = {}) const;
};

// Where output memory comes from: the heap, or the executor's memory plan.
class Allocator {
 public:
  virtual ~Allocator() = default;
  // Uninitialised memory for output `index` of the node being computed.
  virtual Tensor allocate(size_t index, DType type, const Shape& shape) = 0;
};

struct OpContext {
  const Node& node;
  int64_t opset;
  std::vector<const Tensor*> inputs;  // null where left out
  std::vector<Tensor> outputs;        // one for each of node.outputs
  Allocator* allocator = nullptr;     // null: the heap

  size_t input_count() const { return inputs.size(); }
  bool has_input(size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  // Whether somebody asked for output i.
  bool has_output(size_t i) const { return i < node.outputs.size() && !node.outputs[i].empty(); }
  // Throws Error naming the node where the input is missing.
  const Tensor& input(size_t i) const;
  // Makes output i. Throws Error where the node has no such output or the shape is impossible.
  Tensor& make_output(size_t i, DType type, const Shape& shape);
  // Output i shares the memory of a tensor (Identity, Reshape).
  void share_output(size_t i, Tensor tensor);
  // Throws Error: describe() + ": " + message.
  [[noreturn]] void fail(const std::string& message) const;
};

using OpFunction = void (*)(OpContext&);

struct OpInfo {
  OpFunction run = nullptr;
  int min_opset = 1;  // the function is right for opsets min_opset … max_opset (attributes against
                      // inputs differ)
  int max_opset = 17;
  // Attribute names the function knows; any other on a node is the unsupported-attribute error at
  // load.
  std::vector<std::string_view> attributes = {};
  // Output 0 shares the memory of input 0 (Identity, Reshape): a memory plan must keep it alive.
  bool shares_input = false;
};

// The operator of the default ONNX domain, or null.
const OpInfo* find_op(std::string_view op_type);

// All operator names, sorted: docs/operators.md and its test.
std::vector<std::string> known_ops();

}  // namespace cairn::engine
