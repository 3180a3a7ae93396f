// Depthwise convolution for training.
#pragma once

#include <torch/torch.h>

namespace cairn::nn {

// Whether depthwise_conv2d computes this convolution: float32 on the CPU, one filter a channel,
// filters of 5×5 or more, under autograd. oneDNN 2.6 has fast weight gradients for 3×3 only; those
// of larger filters took more than half of a training step of EfficientNet-B0.
bool depthwise_is_faster(const torch::Tensor& x, const torch::Tensor& weight, int64_t groups);

// torch::conv2d of x (N×C×H×W) with weight (C×1×K×K), one group a channel, zero padding, with a
// weight gradient of our own. The gradient is the same for any number of threads.
torch::Tensor depthwise_conv2d(const torch::Tensor& x, const torch::Tensor& weight, int64_t stride,
                               int64_t pad_y, int64_t pad_x);

}  // namespace cairn::nn
