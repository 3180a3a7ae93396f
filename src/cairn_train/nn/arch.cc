#include "cairn_train/nn/arch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "cairn/base/error.h"
#include "cairn_train/nn/backbones/backbone.h"
#include "cairn_train/nn/embedding_net.h"

namespace cairn::nn {
namespace {

struct Entry {
  std::string name;      // with its folder
  std::string backbone;  // of make_backbone
  int last_stride;
};

bool is_model(const std::string& name) { return name.starts_with("models/"); }

bool is_wz(const std::string& name) { return name.starts_with("models/wz_"); }

std::string without_folder(const std::string& name) { return name.substr(name.find('/') + 1); }

// The references: timm's networks; those of Zhang et al. ("wz"), whose last stage has stride 1 and
// whose ResNet-50 has average-pooled shortcuts; torchvision's.
std::vector<Entry> entries() {
  std::vector<Entry> entries;
  for (const std::string& backbone : backbone_names()) {
    if (backbone.starts_with("tf_")) {
      entries.push_back({"backbones/" + backbone, backbone, 2});
    } else if (backbone == "resnet18" || backbone == "resnet50" || backbone == "resnet101") {
      entries.push_back({"torchvision/" + backbone, backbone, 2});
    } else {
      std::string name = backbone;
      if (const auto at = name.find("_avgdown"); at != std::string::npos) name.resize(at);
      entries.push_back({"backbones/" + name, backbone, 1});
      entries.push_back({"models/wz_" + name, backbone, 1});
    }
  }
  entries.push_back({"models/vt_net", "tf_efficientnet_b0", 2});
  return entries;
}

Entry find(const std::string& name) {
  std::vector<Entry> found;
  for (Entry& entry : entries())
    if (entry.name == name || without_folder(entry.name) == name) found.push_back(entry);
  if (found.size() == 1) return found.front();
  if (found.empty())
    throw Error(fmt::format("no network is called \"{}\"; there are {}", name,
                            fmt::join(arch_names(), ", ")));
  std::ranges::sort(found, {}, &Entry::name);
  throw Error(fmt::format("\"{}\" may be {} or {}: give the whole name", name, found[0].name,
                          found[1].name));
}

}  // namespace

Arch make_arch(const std::string& name) {
  const Entry entry = find(name);
  Arch arch;
  if (is_model(entry.name)) {
    NetOptions options;
    options.backbone = entry.backbone;
    options.last_stride = entry.last_stride;
    if (is_wz(entry.name)) {
      options.gem_trainable = false;
      options.neck = "fc-bn";
      options.key_style = "wz";
      arch.ignorable = {"classifier.", "base.fc.", "base._fc."};
    } else {
      arch.ignorable = {"head.", "backbone.net.classifier."};
    }
    const auto net = std::make_shared<EmbeddingNet>(options);
    arch.output = "embedding";
    arch.channels = net->embedding_dim();
    arch.net = net;
  } else {
    const Backbone backbone = make_backbone(entry.backbone, {.last_stride = entry.last_stride});
    arch.net = backbone.module;
    arch.output = "features";
    arch.channels = backbone.channels;
    arch.ignorable = {"fc.", "_fc.", "classifier."};
  }
  arch.net->eval();
  return arch;
}

std::vector<std::string> arch_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  return names;
}

void export_onnx(const Arch& arch, const std::filesystem::path& path,
                 const std::map<std::string, std::string>& metadata) {
  std::vector<OnnxDim> shape{"N", arch.channels};
  if (arch.output == "features") shape.insert(shape.end(), {"h", "w"});
  export_onnx(*arch.net, arch.output, shape, path, metadata);
}

}  // namespace cairn::nn
