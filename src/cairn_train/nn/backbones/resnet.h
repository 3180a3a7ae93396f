// The ResNet family (He et al. 2016) with torchvision's key names: ResNeXt (Xie et al. 2017), IBN-a
// (Pan et al. 2018) and squeeze-excite (Hu et al. 2018) variants are options.
#pragma once

#include "cairn_train/nn/layers.h"

namespace cairn::nn {

struct ResNetOptions {
  int depth = 50;       // 18 (basic blocks), 50 or 101 (bottlenecks)
  int last_stride = 2;  // of layer4: 1 keeps maps of a sixteenth of the image's size
  // Shortcuts with a stride take the mean of 2×2 pixels before a 1×1 convolution of stride 1 (keys
  // downsample.1, downsample.2), instead of a 1×1 convolution with the stride.
  bool avg_down = false;
  // In layer1 to layer3, the first half of bn1's channels is normalised by each photo's own
  // statistics, also at inference (keys bn1.IN, bn1.BN).
  bool ibn = false;
  bool squeeze_excite = false;  // before the addition: keys se.fc.0, se.fc.2
  int64_t groups = 1;           // of the 3×3 convolutions
  int64_t base_width = 64;      // they have floor(width · base_width / 64) · groups channels
  bool classifier = false;      // fc.*, 1000 classes, for the sake of the keys; takes no part
  double bn_momentum = 0.1;
};

// Images N×3×H×W → feature maps N×C×h×w, C = channels(), h = H/32 (H/16 with last_stride 1),
// rounded up.
class ResNet : public Chain {
 public:
  // Throws Error for another depth, and where last_stride is neither 1 nor 2.
  explicit ResNet(const ResNetOptions& options);
  // With avg_down, throws Error for sizes where the two branches of a block would differ.
  torch::Tensor forward(const torch::Tensor& x) override;
  int64_t channels() const { return channels_of(options_.depth); }
  static int64_t channels_of(int depth);  // 512, or 2048 with bottlenecks
  const Stages& stages() const { return stages_; }

 private:
  ResNetOptions options_;
  Stages stages_;
};

}  // namespace cairn::nn
