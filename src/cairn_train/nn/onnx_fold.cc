#include "cairn_train/nn/onnx_fold.h"

#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace cairn::nn {
namespace {

std::vector<float> floats_of(const onnx::TensorProto& tensor) {
  std::vector<float> values(tensor.raw_data().size() / sizeof(float));
  std::memcpy(values.data(), tensor.raw_data().data(), tensor.raw_data().size());
  return values;
}

void set_floats(onnx::TensorProto& tensor, const std::vector<float>& values) {
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
}

class Folder {
 public:
  explicit Folder(onnx::GraphProto& graph) : graph_(graph) {
    for (onnx::TensorProto& tensor : *graph.mutable_initializer())
      tensors_[tensor.name()] = &tensor;
    for (onnx::NodeProto& node : *graph.mutable_node()) {
      for (const std::string& output : node.output()) makers_[output] = &node;
      for (const std::string& input : node.input()) ++uses_[input];
    }
    for (const auto& output : graph.output()) ++uses_[output.name()];
  }

  void run() {
    std::set<std::string> gone;  // outputs of the nodes that were folded away
    for (const onnx::NodeProto& node : graph_.node()) {
      if (node.op_type() != "BatchNormalization" || !fold(node)) continue;
      gone.insert(node.output(0));
    }
    drop_folded(gone);
    drop_unused_tensors();
  }

 private:
  // The node before a batch norm that can take it in, or null.
  onnx::NodeProto* host_of(const onnx::NodeProto& norm) {
    const auto maker = makers_.find(norm.input(0));
    if (maker == makers_.end() || uses_[norm.input(0)] != 1) return nullptr;
    onnx::NodeProto* const host = maker->second;
    const bool takes = host->op_type() == "Conv" || host->op_type() == "Gemm";
    return takes && uses_[host->input(1)] == 1 ? host : nullptr;
  }

  // Rows of the weights (filters, or outputs of a Gemm with transB) are the norm's channels.
  bool fold(const onnx::NodeProto& norm) {
    onnx::NodeProto* const host = host_of(norm);
    if (host == nullptr) return false;
    float epsilon = 1e-5F;
    for (const auto& attribute : norm.attribute())
      if (attribute.name() == "epsilon") epsilon = attribute.f();
    const std::vector<float> gamma = floats_of(*tensors_.at(norm.input(1)));
    std::vector<float> beta = floats_of(*tensors_.at(norm.input(2)));
    const std::vector<float> mean = floats_of(*tensors_.at(norm.input(3)));
    const std::vector<float> variance = floats_of(*tensors_.at(norm.input(4)));
    onnx::TensorProto& weights = *tensors_.at(host->input(1));
    std::vector<float> values = floats_of(weights);
    const bool has_bias = host->input_size() > 2;
    const std::vector<float> bias =
        has_bias ? floats_of(*tensors_.at(host->input(2))) : std::vector<float>(gamma.size(), 0.0F);
    const size_t row = values.size() / gamma.size();
    for (size_t c = 0; c < gamma.size(); ++c) {
      const double scale = gamma[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon);
      for (size_t i = c * row; i < (c + 1) * row; ++i)
        values[i] = static_cast<float>(values[i] * scale);
      beta[c] = static_cast<float>(beta[c] + (static_cast<double>(bias[c]) - mean[c]) * scale);
    }
    set_floats(weights, values);
    // The norm's own bias becomes the host's.
    set_floats(*tensors_.at(norm.input(2)), beta);
    if (has_bias)
      host->set_input(2, norm.input(2));
    else
      host->add_input(norm.input(2));
    host->set_output(0, norm.output(0));
    return true;
  }

  void drop_folded(const std::set<std::string>& gone) {
    auto* const nodes = graph_.mutable_node();
    int kept = 0;
    for (int i = 0; i < nodes->size(); ++i) {
      const onnx::NodeProto& node = nodes->Get(i);
      if (node.op_type() == "BatchNormalization" && gone.contains(node.output(0))) continue;
      nodes->SwapElements(i, kept++);
    }
    nodes->DeleteSubrange(kept, nodes->size() - kept);
  }

  void drop_unused_tensors() {
    std::set<std::string> used;
    for (const onnx::NodeProto& node : graph_.node())
      used.insert(node.input().begin(), node.input().end());
    auto* const tensors = graph_.mutable_initializer();
    int kept = 0;
    for (int i = 0; i < tensors->size(); ++i)
      if (used.contains(tensors->Get(i).name())) tensors->SwapElements(i, kept++);
    tensors->DeleteSubrange(kept, tensors->size() - kept);
  }

  onnx::GraphProto& graph_;
  std::map<std::string, onnx::TensorProto*> tensors_;
  std::map<std::string, onnx::NodeProto*> makers_;
  std::map<std::string, int> uses_;
};

}  // namespace

void fold_batch_norms(onnx::GraphProto& graph) { Folder(graph).run(); }

}  // namespace cairn::nn
