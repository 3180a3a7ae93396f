#include "cairn/engine/testing/onnx_builder.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/random.h"

namespace cairn::engine::testing {
namespace {

int onnx_type(DType type) {
  switch (type) {
    case DType::kF32:
      return onnx::TensorProto::FLOAT;
    case DType::kF64:
      return onnx::TensorProto::DOUBLE;
    case DType::kI8:
      return onnx::TensorProto::INT8;
    case DType::kU8:
      return onnx::TensorProto::UINT8;
    case DType::kI64:
      return onnx::TensorProto::INT64;
    case DType::kBool:
      return onnx::TensorProto::BOOL;
    default:
      throw std::invalid_argument("the builder does not know this type");
  }
}

void fill(onnx::TensorProto& proto, const Tensor& tensor) {
  proto.set_data_type(onnx_type(tensor.dtype()));
  for (const int64_t dim : tensor.shape()) proto.add_dims(dim);
  proto.set_raw_data(tensor.data<char>(), tensor.bytes());
}

}  // namespace

onnx::AttributeProto* NodeBuilder::add(const std::string& key, int type) {
  onnx::AttributeProto* attribute = node_->add_attribute();
  attribute->set_name(key);
  attribute->set_type(static_cast<onnx::AttributeProto::AttributeType>(type));
  return attribute;
}

NodeBuilder& NodeBuilder::name(const std::string& name) {
  node_->set_name(name);
  return *this;
}

NodeBuilder& NodeBuilder::domain(const std::string& domain) {
  node_->set_domain(domain);
  return *this;
}

NodeBuilder& NodeBuilder::number(const std::string& key, int64_t value) {
  add(key, onnx::AttributeProto::INT)->set_i(value);
  return *this;
}

NodeBuilder& NodeBuilder::real(const std::string& key, float value) {
  add(key, onnx::AttributeProto::FLOAT)->set_f(value);
  return *this;
}

NodeBuilder& NodeBuilder::text(const std::string& key, const std::string& value) {
  add(key, onnx::AttributeProto::STRING)->set_s(value);
  return *this;
}

NodeBuilder& NodeBuilder::ints(const std::string& key, const std::vector<int64_t>& values) {
  onnx::AttributeProto* attribute = add(key, onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute->add_ints(value);
  return *this;
}

NodeBuilder& NodeBuilder::tensor(const std::string& key, const Tensor& value) {
  fill(*add(key, onnx::AttributeProto::TENSOR)->mutable_t(), value);
  return *this;
}

NodeBuilder& NodeBuilder::graph(const std::string& key) {
  add(key, onnx::AttributeProto::GRAPH)->mutable_g()->set_name("branch");
  return *this;
}

OnnxBuilder::OnnxBuilder(int64_t opset) : model_(std::make_unique<onnx::ModelProto>()) {
  model_->set_ir_version(7);
  model_->add_opset_import()->set_version(opset);
  model_->mutable_graph()->set_name("test");
}

OnnxBuilder::~OnnxBuilder() = default;
OnnxBuilder::OnnxBuilder(OnnxBuilder&&) noexcept = default;

OnnxBuilder& OnnxBuilder::input(const std::string& name, const Shape& shape, DType type) {
  onnx::ValueInfoProto* value = model_->mutable_graph()->add_input();
  value->set_name(name);
  onnx::TypeProto::Tensor* tensor = value->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx_type(type));
  onnx::TensorShapeProto* dims = tensor->mutable_shape();
  for (const int64_t dim : shape)
    if (dim < 0)
      dims->add_dim()->set_dim_param("n");
    else
      dims->add_dim()->set_dim_value(dim);
  return *this;
}

OnnxBuilder& OnnxBuilder::output(const std::string& name) {
  model_->mutable_graph()->add_output()->set_name(name);
  return *this;
}

OnnxBuilder& OnnxBuilder::constant(const std::string& name, const Tensor& tensor) {
  onnx::TensorProto* proto = model_->mutable_graph()->add_initializer();
  proto->set_name(name);
  fill(*proto, tensor);
  return *this;
}

OnnxBuilder& OnnxBuilder::weights(const std::string& name, const Shape& shape, float scale) {
  return constant(name, drawn(name, shape, scale));
}

NodeBuilder OnnxBuilder::node(const std::string& op, const std::vector<std::string>& inputs,
                              const std::vector<std::string>& outputs) {
  onnx::NodeProto* node = model_->mutable_graph()->add_node();
  node->set_op_type(op);
  for (const std::string& input : inputs) node->add_input(input);
  for (const std::string& output : outputs) node->add_output(output);
  return NodeBuilder(node);
}

std::vector<uint8_t> OnnxBuilder::bytes() const {
  const std::string text = model_->SerializeAsString();
  return {text.begin(), text.end()};
}

std::shared_ptr<const Model> OnnxBuilder::model(bool optimise) const {
  return Model::parse(bytes(), "test.onnx", {.optimise = optimise});
}

Tensor drawn(const std::string& key, const Shape& shape, float scale) {
  Tensor tensor(DType::kF32, shape);
  Rng random(fnv1a(key));
  for (float& x : std::span(tensor.data<float>(), tensor.count()))
    x = scale * static_cast<float>(random.uniform(-1, 1));
  return tensor;
}

double relative_error(const Tensor& a, const Tensor& b) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (a.shape() != b.shape() || a.dtype() != DType::kF32 || b.dtype() != DType::kF32)
    return kInfinity;
  double error = 0;
  double largest = std::numeric_limits<double>::min();
  for (size_t i = 0; i < a.count(); ++i) {
    const double x = a.data<float>()[i];
    const double y = b.data<float>()[i];
    if (!std::isfinite(x) || !std::isfinite(y)) return kInfinity;
    error = std::max(error, std::abs(x - y));
    largest = std::max(largest, std::abs(y));
  }
  return error / largest;
}

}  // namespace cairn::engine::testing
