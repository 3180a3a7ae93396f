// The embedding network: backbone → pooling → neck, and what builds it from a recipe.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cairn_train/nn/module.h"

namespace cairn::nn {

struct NetOptions {
  std::string backbone = "tf_efficientnet_b0";  // one of backbone_names()
  int last_stride = 2;                          // of the last stage that halves the map: 1 or 2
  // The stem and the first n stages of the backbone are not trained (freeze_stages); -1: all are.
  int frozen_stages = -1;
  double bn_momentum = 0.1;  // of the backbone: weight of the new batch in the running statistics
  std::string pooling = "gem";  // gem | avg | avgmax (the sum of mean and maximum)
  double gem_p = 3.0;
  bool gem_trainable = true;
  // option-D (Linear, BatchNorm, PReLU) | fc-bn (Linear without bias, BatchNorm) | bn (BatchNorm
  // alone: the embedding is as long as the backbone has channels) | none (as long, too)
  std::string neck = "option-D";
  bool neck_bias = true;  // false: the neck's BatchNorm keeps its bias of 0, as Re-ID networks do
  int embedding_dim = 512;
  // State-dict names of the two references: "vt" (global_pool.p, neck.0.weight, …) or "wz" (base.*,
  // fcneck.*, fcneck_bn.*, bottleneck.*).
  std::string key_style = "vt";
};

// Whether embedding_dim counts: the neck has a Linear layer.
bool has_projection(const NetOptions& options);

// images N×3×H×W, normalised → embeddings N×D, not normalised to length 1.
class EmbeddingNet : public Module {
 public:
  explicit EmbeddingNet(const NetOptions& options);
  torch::Tensor forward(const torch::Tensor& images) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;
  torch::Tensor pooled(const torch::Tensor& images);  // after pooling, before the neck
  struct Views {
    torch::Tensor features;    // N×D before the neck's batch norm (BNNeck, Luo et al. 2019); where
                               // there is none, the embeddings
    torch::Tensor embeddings;  // N×D, as forward()
  };
  Views views(const torch::Tensor& images);
  int embedding_dim() const;  // of the network, whatever the options say
  const NetOptions& options() const;

 private:
  NetOptions options_;
  ModulePtr backbone_;
  ModulePtr pooling_;
  std::vector<ModulePtr> neck_;
};

// Parameters and buffers in state_dict order, by key.
std::vector<std::pair<std::string, torch::Tensor>> state_dict(const torch::nn::Module& module);

// Whether an embedding never depends on the tensor: the backbone's ImageNet classifier
// (…classifier.*, …fc.weight, …fc.bias), which is there because the reference's key set has it.
bool is_unused_key(const std::string& key);

// What the classifier's keys begin with in a file of weights ("vt" keys).
inline constexpr const char* kHeadPrefix = "head.";

// Writes a network in inference mode as standard ONNX (opset 13, dynamic batch and size, input
// "input", one output of the given name and shape), batch norms folded into what is before them,
// atomically, with the metadata given (cairn.input_size, cairn.mean, …).
void export_onnx(const Module& net, const std::string& output, const std::vector<OnnxDim>& shape,
                 const std::filesystem::path& path,
                 const std::map<std::string, std::string>& metadata);
// The same with output "embedding" and cairn.embedding_dim.
void export_onnx(const EmbeddingNet& net, const std::filesystem::path& path,
                 const std::map<std::string, std::string>& metadata);

}  // namespace cairn::nn
