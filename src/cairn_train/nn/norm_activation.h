// Batch normalisation together with the activation that follows it, and channel gates, for
// training. LibTorch goes over the same memory a dozen times for them, which took two fifths of a
// training step of EfficientNet-B0.
#pragma once

#include <torch/torch.h>

#include "cairn_train/nn/norm_kernels.h"
#include "cairn_train/nn/shared_batch.h"

namespace cairn::nn {

torch::Tensor activate(const torch::Tensor& x, Activation activation);

// Batch statistics of a layer: γ, β, and the running mean and variance that training updates.
struct NormState {
  torch::Tensor weight;        // C
  torch::Tensor bias;          // C
  torch::Tensor running_mean;  // C
  torch::Tensor running_var;   // C
  double momentum;
  double eps;
  const SharedBatch* shared = nullptr;  // the processes that share the batch, if there are several
};

// Moves the running mean and variance towards those of a batch of `rows` values a channel
// (variance: of the population).
void update_running(const NormState& state, const torch::Tensor& mean,
                    const torch::Tensor& variance, double rows);

// Whether the two functions below compute this: float32 images on the CPU, channels last, under
// autograd.
bool fused_is_faster(const torch::Tensor& x);

// activate(torch::batch_norm(x, …, training), activation) for x N×C×H×W with more than one value a
// channel; y has the memory format of x. The numbers are the same for any number of threads.
torch::Tensor norm_activation(const torch::Tensor& x, const NormState& state,
                              Activation activation);

// x · gate: N×C×H×W times N×C×1×1.
torch::Tensor scale_channels(const torch::Tensor& x, const torch::Tensor& gate);

}  // namespace cairn::nn
