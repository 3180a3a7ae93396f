#include "cairn_train/nn/embedding_net.h"

#include <fmt/format.h>

#include <memory>

#include "cairn/base/error.h"
#include "cairn_train/nn/backbones/backbone.h"
#include "cairn_train/nn/layers.h"
#include "cairn_train/nn/pooling.h"

namespace cairn::nn {
namespace {

ModulePtr make_pooling(const NetOptions& o) {
  if (o.pooling == "avg") return std::make_shared<GlobalAvgPool>();
  if (o.pooling == "avgmax") return std::make_shared<AvgMaxPool>();
  if (o.pooling != "gem")
    throw Error(fmt::format("pooling: \"{}\" is not gem, avg or avgmax", o.pooling));
  if (!(o.gem_p > 0)) throw Error(fmt::format("gem_p: {} is not above 0", o.gem_p));
  return std::make_shared<GemPool>(o.gem_p, o.gem_trainable);
}

// The layers of the neck with their names in "wz" keys.
std::vector<std::pair<std::string, ModulePtr>> make_neck(const NetOptions& o, int64_t channels) {
  if (o.neck == "none") return {};
  const auto norm = [&](int64_t dim) {
    auto layer = std::make_shared<BatchNorm>(dim);
    if (!o.neck_bias) layer->named_parameters()["bias"].set_requires_grad(false);
    return layer;
  };
  if (o.neck == "bn") return {{"bottleneck", norm(channels)}};
  const bool option_d = o.neck == "option-D";
  if (!option_d && o.neck != "fc-bn") {
    throw Error(fmt::format("neck: \"{}\" is not option-D, fc-bn, bn or none", o.neck));
  }
  if (o.embedding_dim < 1) {
    throw Error(fmt::format("embedding_dim: {} is not above 0", o.embedding_dim));
  }
  std::vector<std::pair<std::string, ModulePtr>> neck{
      {"fcneck", std::make_shared<Linear>(channels, o.embedding_dim, option_d)},
      {"fcneck_bn", norm(o.embedding_dim)}};
  if (option_d) neck.emplace_back("fcneck_act", std::make_shared<PRelu>());
  return neck;
}

// Holds modules for the sake of their keys.
struct Holder : torch::nn::Module {
  using torch::nn::Module::register_module;
};

void collect(const torch::nn::Module& module, const std::string& prefix,
             std::vector<std::pair<std::string, torch::Tensor>>& entries) {
  for (const auto& item : module.named_parameters(/*recurse=*/false)) {
    entries.emplace_back(prefix + item.key(), item.value());
  }
  for (const auto& item : module.named_buffers(/*recurse=*/false)) {
    entries.emplace_back(prefix + item.key(), item.value());
  }
  for (const auto& child : module.named_children()) {
    collect(*child.value(), prefix + child.key() + ".", entries);
  }
}

}  // namespace

EmbeddingNet::EmbeddingNet(const NetOptions& options) : options_(options) {
  const bool wz = options.key_style == "wz";
  if (!wz && options.key_style != "vt") {
    throw Error(fmt::format("key_style: \"{}\" is not vt or wz", options.key_style));
  }
  pooling_ = make_pooling(options_);
  const Backbone backbone = make_backbone(options_.backbone, {.last_stride = options_.last_stride,
                                                              .bn_momentum = options_.bn_momentum});
  backbone_ = backbone.module;
  freeze_stages(backbone, options_.frozen_stages);
  const auto neck = make_neck(options_, backbone.channels);
  if (!has_projection(options_)) options_.embedding_dim = static_cast<int>(backbone.channels);
  if (wz) {
    register_module("base", backbone_);
    register_module("gem", pooling_);
    for (const auto& [name, layer] : neck) register_module(name, layer);
  } else {
    register_module("backbone", std::make_shared<Holder>())->register_module("net", backbone_);
    register_module("global_pool", pooling_);
    const auto holder = register_module("neck", std::make_shared<Holder>());
    for (size_t i = 0; i < neck.size(); ++i)
      holder->register_module(std::to_string(i), neck[i].second);
  }
  for (const auto& item : neck) neck_.push_back(item.second);
}

torch::Tensor EmbeddingNet::pooled(const torch::Tensor& images) {
  return pooling_->forward(backbone_->forward(images));
}

torch::Tensor EmbeddingNet::forward(const torch::Tensor& images) {
  return views(images).embeddings;
}

EmbeddingNet::Views EmbeddingNet::views(const torch::Tensor& images) {
  Views views;
  torch::Tensor x = pooled(images);
  for (const ModulePtr& layer : neck_) {
    if (dynamic_cast<BatchNorm*>(layer.get()) != nullptr) views.features = x;
    x = layer->forward(x);
  }
  views.embeddings = x;
  if (!views.features.defined()) views.features = x;
  return views;
}

std::string EmbeddingNet::emit(OnnxWriter& graph, const std::string& input) const {
  std::string value = pooling_->emit(graph, backbone_->emit(graph, input));
  for (const ModulePtr& layer : neck_) value = layer->emit(graph, value);
  return value;
}

int EmbeddingNet::embedding_dim() const { return options_.embedding_dim; }

const NetOptions& EmbeddingNet::options() const { return options_; }

std::vector<std::pair<std::string, torch::Tensor>> state_dict(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, torch::Tensor>> entries;
  collect(module, "", entries);
  return entries;
}

bool has_projection(const NetOptions& options) {
  return options.neck != "none" && options.neck != "bn";
}

bool is_unused_key(const std::string& key) {
  if (key.find("classifier.") != std::string::npos) return true;
  const size_t dot = key.rfind('.');
  const std::string owner = dot == std::string::npos ? "" : key.substr(0, dot);
  return owner == "fc" || owner.ends_with(".fc") || owner.ends_with("_fc");
}

void export_onnx(const Module& net, const std::string& output, const std::vector<OnnxDim>& shape,
                 const std::filesystem::path& path,
                 const std::map<std::string, std::string>& metadata) {
  const torch::NoGradGuard no_grad;
  OnnxWriter graph;
  graph.name_tensors(state_dict(net));
  const auto input = graph.add_input("input", {"N", int64_t{3}, "H", "W"});
  graph.add_output(net.emit(graph, input), output, shape);
  graph.fold_batch_norms();
  for (const auto& [key, value] : metadata) graph.set_metadata(key, value);
  graph.save(path);
}

void export_onnx(const EmbeddingNet& net, const std::filesystem::path& path,
                 const std::map<std::string, std::string>& metadata) {
  auto all = metadata;
  all.emplace("cairn.embedding_dim", std::to_string(net.embedding_dim()));
  export_onnx(net, "embedding", {"N", int64_t{net.embedding_dim()}}, path, all);
}

}  // namespace cairn::nn
