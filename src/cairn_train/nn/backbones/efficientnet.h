// EfficientNet-B0 (Tan, Le 2019) with the key names and the arithmetic of timm's
// tf_efficientnet_b0: TensorFlow "SAME" padding, batch-norm epsilon 1e-3.
#pragma once

#include "cairn_train/nn/layers.h"

namespace cairn::nn {

// Images N×3×H×W → feature maps N×1280×ceil(H/32)×ceil(W/32). classifier.* (1000 classes) is there
// for the sake of the keys and takes no part in forward; its gradients stay undefined.
class EfficientNetB0 : public Chain {
 public:
  static constexpr int64_t kChannels = 1280;
  explicit EfficientNetB0(double bn_momentum = 0.1);
};

}  // namespace cairn::nn
