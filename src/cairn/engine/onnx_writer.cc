#include "cairn/engine/onnx_writer.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <climits>

#include "cairn/base/error.h"

namespace cairn::engine {
namespace {

using onnx::AttributeProto;
using onnx::TensorProto;

constexpr int kIrVersion = 7;  // the version that came with opset 13

TensorProto::DataType onnx_type(DType type) {
  switch (type) {
    case DType::kF32:
      return TensorProto::FLOAT;
    case DType::kF64:
      return TensorProto::DOUBLE;
    case DType::kF16:
      return TensorProto::FLOAT16;
    case DType::kI8:
      return TensorProto::INT8;
    case DType::kU8:
      return TensorProto::UINT8;
    case DType::kI16:
      return TensorProto::INT16;
    case DType::kU16:
      return TensorProto::UINT16;
    case DType::kI32:
      return TensorProto::INT32;
    case DType::kI64:
      return TensorProto::INT64;
    case DType::kU32:
      return TensorProto::UINT32;
    case DType::kU64:
      return TensorProto::UINT64;
    case DType::kBool:
      return TensorProto::BOOL;
  }
  CAIRN_ASSERT(false);
  return TensorProto::UNDEFINED;
}

void write_tensor(const Tensor& tensor, TensorProto& proto) {
  proto.set_data_type(onnx_type(tensor.dtype()));
  for (const int64_t dim : tensor.shape()) proto.add_dims(dim);
  proto.set_raw_data(tensor.data<char>(), tensor.bytes());
}

// One overload for each type of value.
class AttributeWriter {
 public:
  explicit AttributeWriter(AttributeProto& proto) : proto_(proto) {}

  void operator()(int64_t value) {
    proto_.set_type(AttributeProto::INT);
    proto_.set_i(value);
  }
  void operator()(float value) {
    proto_.set_type(AttributeProto::FLOAT);
    proto_.set_f(value);
  }
  void operator()(const std::string& value) {
    proto_.set_type(AttributeProto::STRING);
    proto_.set_s(value);
  }
  void operator()(const std::vector<int64_t>& values) {
    proto_.set_type(AttributeProto::INTS);
    for (const int64_t value : values) proto_.add_ints(value);
  }
  void operator()(const std::vector<float>& values) {
    proto_.set_type(AttributeProto::FLOATS);
    for (const float value : values) proto_.add_floats(value);
  }
  void operator()(const std::vector<std::string>& values) {
    proto_.set_type(AttributeProto::STRINGS);
    for (const std::string& value : values) proto_.add_strings(value);
  }
  void operator()(const Tensor& value) {
    proto_.set_type(AttributeProto::TENSOR);
    write_tensor(value, *proto_.mutable_t());
  }

 private:
  AttributeProto& proto_;
};

void write_node(const GraphNode& node, onnx::NodeProto& proto) {
  CAIRN_ASSERT(node.post_ops.empty());
  proto.set_op_type(node.op_type);
  proto.set_name(node.name);
  for (const std::string& input : node.inputs) proto.add_input(input);
  for (const std::string& output : node.outputs) proto.add_output(output);
  for (const auto& [key, value] : node.attributes) {
    AttributeProto& attribute = *proto.add_attribute();
    attribute.set_name(key);
    std::visit(AttributeWriter(attribute), value);
  }
}

// Keeps the declarations of these values and adds the ones that are missing.
void declare(const std::vector<ValueInfo>& values,
             google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>& declared) {
  google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> kept;
  for (const ValueInfo& value : values) {
    const auto found =
        std::find_if(declared.begin(), declared.end(),
                     [&](const onnx::ValueInfoProto& old) { return old.name() == value.name; });
    onnx::ValueInfoProto& proto = *kept.Add();
    if (found != declared.end()) {
      proto = *found;
      continue;
    }
    proto.set_name(value.name);
    proto.mutable_type()->mutable_tensor_type()->set_elem_type(onnx_type(value.dtype));
  }
  declared.Swap(&kept);
}

}  // namespace

std::string write_onnx(const Graph& graph, std::span<const uint8_t> original) {
  onnx::ModelProto model;
  CAIRN_ASSERT(original.size() <= INT_MAX);  // or it could not have been read
  if (!model.ParseFromArray(original.data(), static_cast<int>(original.size())))
    throw Error(graph.file + ": not an ONNX model");
  model.set_ir_version(std::max<int64_t>(model.ir_version(), kIrVersion));
  for (onnx::OperatorSetIdProto& set : *model.mutable_opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") set.set_version(graph.opset);
  onnx::GraphProto& proto = *model.mutable_graph();
  declare(graph.inputs, *proto.mutable_input());
  declare(graph.outputs, *proto.mutable_output());
  proto.clear_node();
  proto.clear_initializer();
  proto.clear_value_info();
  proto.clear_quantization_annotation();
  for (const auto& [name, tensor] : graph.constants) {
    TensorProto& initializer = *proto.add_initializer();
    initializer.set_name(name);
    write_tensor(tensor, initializer);
  }
  for (const GraphNode& node : graph.nodes) write_node(node, *proto.add_node());
  std::string bytes;
  if (model.ByteSizeLong() > INT_MAX || !model.SerializeToString(&bytes))
    throw Error(graph.file + ": the model would be too large for one ONNX file (2 GB)");
  return bytes;
}

}  // namespace cairn::engine
