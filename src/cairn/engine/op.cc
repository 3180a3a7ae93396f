#include "cairn/engine/op.h"

#include "cairn/base/error.h"

namespace cairn::engine {

namespace {

// The attribute as a T, the fallback where it is missing, an Error where it has another type.
template <typename T>
T attribute(const Node& node, std::string_view key, T fallback, const char* type) {
  const auto found = node.attributes.find(std::string(key));
  if (found == node.attributes.end()) return fallback;
  if (const T* value = std::get_if<T>(&found->second)) return *value;
  throw Error(node.describe() + ": attribute \"" + std::string(key) + "\" is not of type " + type);
}

}  // namespace

std::string Node::describe() const {
  if (!name.empty()) return op_type + " node \"" + name + "\"";
  for (const std::string& output : outputs) {
    if (!output.empty()) return op_type + " node of output \"" + output + "\"";
  }
  return op_type + " node";
}

bool Node::has_attribute(std::string_view key) const {
  return attributes.contains(std::string(key));
}

int64_t Node::get_int(std::string_view key, int64_t fallback) const {
  return attribute(*this, key, fallback, "int");
}

float Node::get_float(std::string_view key, float fallback) const {
  return attribute(*this, key, fallback, "float");
}

std::string Node::get_string(std::string_view key, const std::string& fallback) const {
  return attribute(*this, key, fallback, "string");
}

std::vector<int64_t> Node::get_ints(std::string_view key, std::vector<int64_t> fallback) const {
  return attribute(*this, key, std::move(fallback), "ints");
}

std::vector<float> Node::get_floats(std::string_view key, std::vector<float> fallback) const {
  return attribute(*this, key, std::move(fallback), "floats");
}

const Tensor& OpContext::input(size_t i) const {
  if (!has_input(i)) fail("input " + std::to_string(i) + " is missing");
  return *inputs[i];
}

Tensor& OpContext::make_output(size_t i, DType type, const Shape& shape) {
  if (i >= outputs.size()) fail("it has no output " + std::to_string(i));
  try {
    outputs[i] = allocator ? allocator->allocate(i, type, shape) : Tensor(type, shape);
  } catch (const Error& error) {
    fail(error.what());
  }
  return outputs[i];
}

void OpContext::share_output(size_t i, Tensor tensor) {
  if (i >= outputs.size()) fail("it has no output " + std::to_string(i));
  outputs[i] = std::move(tensor);
}

void OpContext::fail(const std::string& message) const {
  throw Error(node.describe() + ": " + message);
}

}  // namespace cairn::engine
