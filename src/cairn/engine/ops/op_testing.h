// Runs one operator in a test.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cairn/engine/op.h"

namespace cairn::engine::ops {

using Attributes = std::map<std::string, AttributeValue>;

inline std::vector<Tensor> run_op(const std::string& op_type, const std::vector<Tensor>& inputs,
                                  const Attributes& attributes = {}, int64_t opset = 13,
                                  size_t output_count = 1) {
  Node node;
  node.op_type = op_type;
  node.name = "tested";
  node.attributes = attributes;
  for (size_t i = 0; i < output_count; ++i) node.outputs.push_back("y" + std::to_string(i));
  OpContext ctx{node, opset, {}, std::vector<Tensor>(output_count), nullptr};
  for (const Tensor& input : inputs) ctx.inputs.push_back(&input);
  find_op(op_type)->run(ctx);
  return ctx.outputs;
}

inline Tensor f32(Shape shape, const std::vector<float>& values) {
  return Tensor::from_f32(std::move(shape), values);
}

inline Tensor i64(Shape shape, const std::vector<int64_t>& values) {
  return Tensor::from_i64(std::move(shape), values);
}

// Any other type, from numbers.
template <typename T>
Tensor tensor(DType type, Shape shape, const std::vector<T>& values) {
  Tensor result(type, std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) result.data<T>()[i] = values[i];
  return result;
}

template <typename T>
std::vector<T> values_of(const Tensor& x) {
  return {x.data<T>(), x.data<T>() + x.count()};
}

}  // namespace cairn::engine::ops
