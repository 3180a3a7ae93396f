#include "cairn_train/nn/onnx_writer.h"

#include <onnx/onnx_pb.h>

#include <span>
#include <unordered_map>
#include <unordered_set>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn_train/nn/onnx_fold.h"

namespace cairn::nn {
namespace {

constexpr int kIrVersion = 7;  // the version that came with opset 13

void set_attribute(onnx::AttributeProto& proto, const std::string& name,
                   const OnnxAttribute& value) {
  proto.set_name(name);
  if (const auto* number = std::get_if<int64_t>(&value)) {
    proto.set_type(onnx::AttributeProto::INT);
    proto.set_i(*number);
  } else if (const auto* real = std::get_if<float>(&value)) {
    proto.set_type(onnx::AttributeProto::FLOAT);
    proto.set_f(*real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    proto.set_type(onnx::AttributeProto::STRING);
    proto.set_s(*text);
  } else {
    proto.set_type(onnx::AttributeProto::INTS);
    for (const int64_t i : std::get<std::vector<int64_t>>(value)) proto.add_ints(i);
  }
}

void set_value_info(onnx::ValueInfoProto& info, const std::string& name,
                    const std::vector<OnnxDim>& shape) {
  info.set_name(name);
  auto* type = info.mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  auto* dims = type->mutable_shape();
  for (const OnnxDim& dim : shape) {
    if (const auto* number = std::get_if<int64_t>(&dim)) {
      dims->add_dim()->set_dim_value(*number);
    } else {
      dims->add_dim()->set_dim_param(std::get<std::string>(dim));
    }
  }
}

}  // namespace

struct OnnxWriter::Impl {
  onnx::ModelProto model;
  std::unordered_map<const void*, std::string> keys;          // wanted names, by tensor
  std::unordered_map<const void*, std::string> initializers;  // added, by tensor
  std::vector<torch::Tensor> kept;                            // so that no address is used twice
  std::unordered_set<std::string> taken;

  std::string unique(const std::string& wanted) {
    std::string name = wanted;
    for (int n = 1; !taken.insert(name).second; ++n) name = wanted + "_" + std::to_string(n);
    return name;
  }
};

OnnxWriter::OnnxWriter() : impl_(std::make_unique<Impl>()) {
  impl_->model.set_ir_version(kIrVersion);
  impl_->model.set_producer_name("cairn");
  impl_->model.add_opset_import()->set_version(kOpset);
  impl_->model.mutable_graph()->set_name("cairn");
}

OnnxWriter::~OnnxWriter() = default;

void OnnxWriter::name_tensors(const std::vector<std::pair<std::string, torch::Tensor>>& keys) {
  for (const auto& [key, tensor] : keys) impl_->keys[tensor.unsafeGetTensorImpl()] = key;
}

std::string OnnxWriter::key_of(const torch::Tensor& tensor, const std::string& otherwise) const {
  const auto key = impl_->keys.find(tensor.unsafeGetTensorImpl());
  return key != impl_->keys.end() ? key->second : otherwise;
}

std::string OnnxWriter::add_input(const std::string& name, const std::vector<OnnxDim>& shape) {
  const std::string value = impl_->unique(name);
  set_value_info(*impl_->model.mutable_graph()->add_input(), value, shape);
  return value;
}

std::string OnnxWriter::add_node(const std::string& op, const std::vector<std::string>& inputs,
                                 const OnnxAttributes& attributes, const std::string& name) {
  onnx::NodeProto& node = *impl_->model.mutable_graph()->add_node();
  const std::string value = impl_->unique(
      name.empty() ? op + "_" + std::to_string(impl_->model.graph().node_size()) : name);
  node.set_op_type(op);
  node.set_name(value);
  for (const std::string& input : inputs) {
    CAIRN_ASSERT(input.empty() || impl_->taken.contains(input));
    node.add_input(input);
  }
  node.add_output(value);
  for (const auto& [key, attribute] : attributes) {
    set_attribute(*node.add_attribute(), key, attribute);
  }
  return value;
}

std::string OnnxWriter::add_initializer(const std::string& name, const torch::Tensor& tensor,
                                        const std::vector<int64_t>& shape) {
  const void* identity = tensor.unsafeGetTensorImpl();
  if (const auto found = impl_->initializers.find(identity); found != impl_->initializers.end()) {
    return found->second;
  }
  const std::string value = impl_->unique(key_of(tensor, name));

  onnx::TensorProto& proto = *impl_->model.mutable_graph()->add_initializer();
  proto.set_name(value);
  for (const int64_t size : shape.empty() ? tensor.sizes().vec() : shape) proto.add_dims(size);
  const bool integer = tensor.scalar_type() == torch::kInt64;
  CAIRN_ASSERT(integer || tensor.is_floating_point());
  proto.set_data_type(integer ? onnx::TensorProto::INT64 : onnx::TensorProto::FLOAT);
  const torch::Tensor data =
      tensor.detach().to(torch::kCPU, integer ? torch::kInt64 : torch::kFloat32).contiguous();
  proto.set_raw_data(data.data_ptr(), data.nbytes());

  impl_->initializers[identity] = value;
  impl_->kept.push_back(tensor);
  return value;
}

void OnnxWriter::add_output(const std::string& value, const std::string& name,
                            const std::vector<OnnxDim>& shape) {
  CAIRN_ASSERT(impl_->taken.insert(name).second);
  onnx::GraphProto& graph = *impl_->model.mutable_graph();
  bool found = false;
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    for (std::string& output : *node.mutable_output()) {
      if (output == value) {
        output = name;
        found = true;
      }
    }
    for (std::string& input : *node.mutable_input()) {
      if (input == value) input = name;
    }
  }
  CAIRN_ASSERT(found);
  set_value_info(*graph.add_output(), name, shape);
}

void OnnxWriter::fold_batch_norms() { nn::fold_batch_norms(*impl_->model.mutable_graph()); }

void OnnxWriter::set_metadata(const std::string& key, const std::string& value) {
  for (auto& entry : *impl_->model.mutable_metadata_props()) {
    if (entry.key() == key) {
      entry.set_value(value);
      return;
    }
  }
  auto* entry = impl_->model.add_metadata_props();
  entry->set_key(key);
  entry->set_value(value);
}

std::string OnnxWriter::serialize() const {
  std::string bytes;
  if (!impl_->model.SerializeToString(&bytes)) {
    throw Error("the network is too large for one ONNX file (protobuf holds 2 GB at most)");
  }
  return bytes;
}

void OnnxWriter::save(const std::filesystem::path& path) const {
  write_text_atomically(path, serialize());
}

}  // namespace cairn::nn
