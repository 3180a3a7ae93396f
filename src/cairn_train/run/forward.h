// Networks run the fast way: channels last, and in reduced precision where that is faster.
#pragma once

#include <torch/torch.h>

#include <string>

#include "cairn_train/nn/embedding_net.h"

namespace cairn::run {

// Stores filters with their channels last, as forward() passes the photos; otherwise oneDNN
// reorders every feature map to and fro. Shapes and values stay.
void keep_channels_last(torch::nn::Module& net);

// images N×3×H×W in any layout, on any device → embeddings in float32 on the network's device.
// precision: "f32", or "bf16" or "f16" for convolutions and matrix products in that type (autocast;
// weights stay float32). f16 is for cuda alone.
torch::Tensor forward(nn::Module& net, const torch::Tensor& images, const std::string& precision);

// The same with the features before the neck's batch norm.
nn::EmbeddingNet::Views forward_views(nn::EmbeddingNet& net, const torch::Tensor& images,
                                      const std::string& precision);

// The device of a recipe: "cpu", "cuda", or "auto", which is cuda where there is one. Throws Error
// for "cuda" where LibTorch finds none.
torch::Device choose_device(const std::string& name);

}  // namespace cairn::run
