// ResNeSt (Zhang et al. 2020) with the key names of the authors' code, radix 2.
#pragma once

#include "cairn_train/nn/layers.h"

namespace cairn::nn {

struct ResNeStOptions {
  int depth = 50;  // 50, 101, 200 or 269
  int last_stride =
      2;  // of layer4; 1: its 3×3 convolutions get dilation 2, but for the first block
  double bn_momentum = 0.1;
};

// Images N×3×H×W → feature maps N×2048×h×w, h = H/32 (H/16 with last_stride 1), rounded up. fc.*
// (1000 classes) is there for the sake of the keys and takes no part in forward.
class ResNeSt : public Chain {
 public:
  static constexpr int64_t kChannels = 2048;
  // Throws Error for another depth, and where last_stride is neither 1 nor 2.
  explicit ResNeSt(const ResNeStOptions& options);
  int64_t channels() const { return kChannels; }
  const Stages& stages() const { return stages_; }

 private:
  Stages stages_;
};

}  // namespace cairn::nn
