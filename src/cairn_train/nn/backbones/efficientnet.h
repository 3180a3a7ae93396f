// EfficientNet B0 to B7 (Tan, Le 2019) in the two forms that checkpoints come in.
#pragma once

#include "cairn_train/nn/layers.h"

namespace cairn::nn {

enum class EfficientNetStyle {
  // timm's tf_efficientnet_b0…b7: keys blocks.1.0.conv_pw.weight, classifier.weight; TensorFlow
  // "SAME" padding.
  kTimm,
  // EfficientNet-PyTorch's efficientnet-b0…b7 (L. Melas-Kyriazi): keys
  // _blocks.1._expand_conv.weight, _fc.weight; convolutions pad as "SAME" would for images of the
  // size that the network was made for (224 for B0 to 600 for B7), whatever the images are.
  kLukemelas,
};

struct EfficientNetOptions {
  int number = 0;  // 0 to 7
  EfficientNetStyle style = EfficientNetStyle::kTimm;
  int last_stride = 2;  // of the sixth stage: 1 keeps maps of a sixteenth of the image's size
  double bn_momentum = 0.1;
};

// Images N×3×H×W → feature maps N×C×h×w, C = channels(), h = H/32 (H/16 with last_stride 1),
// rounded up. The classifier (1000 classes) is there for the sake of the keys and takes no part in
// forward; its gradients stay undefined.
class EfficientNet : public Chain {
 public:
  // Throws Error for another number, and where last_stride is neither 1 nor 2.
  explicit EfficientNet(const EfficientNetOptions& options);
  int64_t channels() const { return channels_; }
  static int64_t channels_of(int number);
  const Stages& stages() const { return stages_; }

 private:
  int64_t channels_ = 0;
  Stages stages_;
};

}  // namespace cairn::nn
