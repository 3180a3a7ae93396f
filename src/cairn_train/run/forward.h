// Networks run the fast way: channels last, and in reduced precision where that is faster.
#pragma once

#include <torch/torch.h>

#include <string>

#include "cairn_train/nn/module.h"

namespace cairn::run {

// Stores filters with their channels last, as forward() passes the photos; otherwise oneDNN
// reorders every feature map to and fro. Shapes and values stay.
void keep_channels_last(torch::nn::Module& net);

// images N×3×H×W in any layout → embeddings in float32. precision: "f32", or "bf16" for
// convolutions and matrix products in bfloat16 (autocast; weights stay float32).
torch::Tensor forward(nn::Module& net, const torch::Tensor& images, const std::string& precision);

}  // namespace cairn::run
