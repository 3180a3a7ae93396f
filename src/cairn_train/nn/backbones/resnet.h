// ResNet-18 and ResNet-50 (He et al. 2016) with torchvision's key names.
#pragma once

#include "cairn_train/nn/layers.h"

namespace cairn::nn {

struct ResNetOptions {
  int depth = 50;       // 18 (basic blocks) or 50 (bottlenecks)
  int last_stride = 2;  // of layer4: 1 keeps maps of a sixteenth of the image's size
  // Shortcuts with a stride take the mean of 2×2 pixels before a 1×1 convolution of stride 1 (keys
  // downsample.1, downsample.2), instead of a 1×1 convolution with the stride.
  bool avg_down = false;
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
  int64_t channels() const;  // 512, or 2048 with bottlenecks

 private:
  ResNetOptions options_;
};

}  // namespace cairn::nn
