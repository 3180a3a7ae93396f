// Backbones by name: images N×3×H×W → feature maps N×C×h×w.
#pragma once

#include <string>
#include <vector>

#include "cairn_train/nn/layers.h"

namespace cairn::nn {

struct BackboneOptions {
  int last_stride = 2;  // of the last stage that halves the map: 1 or 2
  double bn_momentum = 0.1;
};

struct Backbone {
  ModulePtr module;
  int64_t channels = 0;  // of the feature maps
  Stages stages;
};

// Throws Error, listing the names, for one that is not among backbone_names(), and where
// last_stride is neither 1 nor 2.
Backbone make_backbone(const std::string& name, const BackboneOptions& options = {});
const std::vector<std::string>& backbone_names();
int64_t backbone_channels(const std::string& name);  // of the feature maps, without making it

// The stem and the first n stages take no part in training any more: no gradients, and their batch
// norms keep their statistics. -1 freezes nothing, 0 the stem alone. Throws Error where there are
// fewer stages.
void freeze_stages(const Backbone& backbone, int n);

}  // namespace cairn::nn
