#include "cairn_train/nn/backbones/backbone.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <memory>

#include "cairn/base/error.h"
#include "cairn_train/nn/backbones/efficientnet.h"
#include "cairn_train/nn/backbones/resnet.h"

namespace cairn::nn {
namespace {

struct Entry {
  std::string name;
  std::function<Backbone(const BackboneOptions&)> make;
};

Entry resnet(const std::string& name, const ResNetOptions& fixed) {
  return {name, [fixed](const BackboneOptions& o) {
            ResNetOptions options = fixed;
            options.last_stride = o.last_stride;
            options.bn_momentum = o.bn_momentum;
            const auto network = std::make_shared<ResNet>(options);
            return Backbone{network, network->channels(), {}};
          }};
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> kEntries{
      {"tf_efficientnet_b0",
       [](const BackboneOptions& o) {
         return Backbone{std::make_shared<EfficientNetB0>(o.bn_momentum),
                         EfficientNetB0::kChannels, {}};
       }},
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
             {.depth = 101, .ibn = true, .squeeze_excite = true, .classifier = true}),
  };
  return kEntries;
}

}  // namespace

Backbone make_backbone(const std::string& name, const BackboneOptions& options) {
  for (const Entry& entry : entries())
    if (entry.name == name) return entry.make(options);
  throw Error(fmt::format("backbone: \"{}\" is not {}", name, fmt::join(backbone_names(), ", ")));
}

const std::vector<std::string>& backbone_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const Entry& entry : entries()) names.push_back(entry.name);
    return names;
  }();
  return kNames;
}

}  // namespace cairn::nn
