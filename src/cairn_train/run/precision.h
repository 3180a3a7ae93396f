// Reduced precision where it is faster.
#pragma once

#include <torch/torch.h>

#include <string>

#include "cairn_train/nn/module.h"

namespace cairn::run {

// The network's output in float32. precision: "f32", or "bf16" for convolutions and matrix products
// in bfloat16 (autocast; weights stay float32).
torch::Tensor forward_in(const std::string& precision, nn::Module& net,
                         const torch::Tensor& images);

}  // namespace cairn::run
