#include "cairn_train/nn/backbones/backbone.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <memory>

#include "cairn/base/error.h"
#include "cairn_train/nn/backbones/efficientnet.h"
#include "cairn_train/nn/backbones/resnest.h"
#include "cairn_train/nn/backbones/resnet.h"

namespace cairn::nn {
namespace {

struct Entry {
  std::string name;
  int64_t channels = 0;
  std::function<Backbone(const BackboneOptions&)> make;
};

template <typename Network, typename Options>
Backbone make(Options options, const BackboneOptions& common) {
  options.last_stride = common.last_stride;
  options.bn_momentum = common.bn_momentum;
  const auto network = std::make_shared<Network>(options);
  return {network, network->channels(), network->stages()};
}

Entry resnet(const std::string& name, const ResNetOptions& options) {
  return {name, ResNet::channels_of(options.depth),
          [options](const BackboneOptions& common) { return make<ResNet>(options, common); }};
}

Entry resnest(int depth) {
  return {"resnest" + std::to_string(depth), ResNeSt::kChannels,
          [depth](const BackboneOptions& common) {
            return make<ResNeSt>(ResNeStOptions{.depth = depth}, common);
          }};
}

Entry efficientnet(int number, EfficientNetStyle style) {
  const bool timm = style == EfficientNetStyle::kTimm;
  return {(timm ? "tf_efficientnet_b" : "efficientnet-b") + std::to_string(number),
          EfficientNet::channels_of(number), [number, style](const BackboneOptions& common) {
            return make<EfficientNet>(EfficientNetOptions{.number = number, .style = style},
                                      common);
          }};
}

std::vector<Entry> make_entries() {
  std::vector<Entry> entries{
      resnet("resnet18", {.depth = 18}),
      resnet("resnet50", {.depth = 50}),
      resnet("resnet101", {.depth = 101}),
      resnet("resnet50_avgdown", {.depth = 50, .avg_down = true}),
      resnet("resnet101_avgdown", {.depth = 101, .avg_down = true}),
      resnet("resnet50_ibn_a", {.depth = 50, .ibn = true}),
      resnet("resnet101_ibn_a", {.depth = 101, .ibn = true}),
      resnet("resnext101_ibn_a",
             {.depth = 101, .ibn = true, .groups = 32, .base_width = 4, .classifier = true}),
      resnet("se_resnet101_ibn_a",
             {.depth = 101, .ibn = true, .squeeze_excite = true, .classifier = true})};
  for (const int depth : {50, 101, 200, 269}) entries.push_back(resnest(depth));
  for (const auto style : {EfficientNetStyle::kTimm, EfficientNetStyle::kLukemelas})
    for (int number = 0; number < 8; ++number) entries.push_back(efficientnet(number, style));
  return entries;
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> kEntries = make_entries();
  return kEntries;
}

const Entry& entry_of(const std::string& name) {
  for (const Entry& entry : entries())
    if (entry.name == name) return entry;
  throw Error(fmt::format("backbone: \"{}\" is not {}", name, fmt::join(backbone_names(), ", ")));
}

}  // namespace

Backbone make_backbone(const std::string& name, const BackboneOptions& options) {
  return entry_of(name).make(options);
}

int64_t backbone_channels(const std::string& name) { return entry_of(name).channels; }

const std::vector<std::string>& backbone_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const Entry& entry : entries()) names.push_back(entry.name);
    return names;
  }();
  return kNames;
}

void freeze_stages(const Backbone& backbone, int n) {
  const auto stages = static_cast<int>(backbone.stages.size()) - 1;
  if (n < -1 || n > stages)
    throw Error(
        fmt::format("frozen_stages: {} is not from -1 to {}, what the backbone has", n, stages));
  for (int s = 0; s <= n; ++s) {
    for (const ModulePtr& layer : backbone.stages[static_cast<size_t>(s)]) {
      freeze_batch_norms(*layer);
      for (torch::Tensor& parameter : layer->parameters()) parameter.set_requires_grad(false);
    }
  }
}

}  // namespace cairn::nn
