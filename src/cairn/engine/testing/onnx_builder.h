// Builds small ONNX files for tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "cairn/engine/model.h"

namespace onnx {
class AttributeProto;
class ModelProto;
class NodeProto;
}  // namespace onnx

namespace cairn::engine::testing {

// One node under construction: builder.node("Conv", {"x", "w"}, {"y"}).ints("pads", {1, 1, 1, 1}).
class NodeBuilder {
 public:
  explicit NodeBuilder(onnx::NodeProto* node) : node_(node) {}
  NodeBuilder& name(const std::string& name);
  NodeBuilder& domain(const std::string& domain);
  NodeBuilder& number(const std::string& key, int64_t value);
  NodeBuilder& real(const std::string& key, float value);
  NodeBuilder& text(const std::string& key, const std::string& value);
  NodeBuilder& ints(const std::string& key, const std::vector<int64_t>& values);
  NodeBuilder& tensor(const std::string& key, const Tensor& value);
  NodeBuilder& graph(const std::string& key);

 private:
  onnx::AttributeProto* add(const std::string& key, int type);
  onnx::NodeProto* node_;
};

class OnnxBuilder {
 public:
  explicit OnnxBuilder(int64_t opset = 13);
  ~OnnxBuilder();
  OnnxBuilder(OnnxBuilder&&) noexcept;

  // -1 is a dynamic dimension.
  OnnxBuilder& input(const std::string& name, const Shape& shape, DType type = DType::kF32);
  OnnxBuilder& output(const std::string& name);
  OnnxBuilder& constant(const std::string& name, const Tensor& tensor);
  // Weights drawn uniformly from [-scale, scale) under the value's own name.
  OnnxBuilder& weights(const std::string& name, const Shape& shape, float scale = 0.3f);
  NodeBuilder node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<std::string>& outputs);

  onnx::ModelProto& proto() { return *model_; }
  std::vector<uint8_t> bytes() const;
  std::shared_ptr<const Model> model(bool optimise = true) const;

 private:
  std::unique_ptr<onnx::ModelProto> model_;
};

// A float tensor drawn uniformly from [-scale, scale); the key is the seed.
Tensor drawn(const std::string& key, const Shape& shape, float scale = 1);

// max |a-b| / max |b|; infinity where shapes differ or a value is not finite.
double relative_error(const Tensor& a, const Tensor& b);

}  // namespace cairn::engine::testing
