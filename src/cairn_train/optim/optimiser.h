// AdamW and SGD: one pass over all parameters a step, with a state that is saved and restored
// bit by bit.
#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "cairn_train/nn/safetensors.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

// A float32 parameter and how its learning rate and decay differ.
struct TrainedParameter {
  std::string name;
  torch::Tensor tensor;
  double lr_factor = 1;
};

// AdamW: Loshchilov, Hutter 2019 (betas 0.9 and 0.999, eps 1e-8, decay decoupled and scaled by the
// rate). SGD: as PyTorch's, momentum without dampening, decay added to the gradient. Vectors
// (biases, norms) are not decayed.
class Optimiser {
 public:
  Optimiser(const OptimiserOptions& options, std::vector<TrainedParameter> parameters);

  void zero_grad();

  // Updates the parameters from their gradients, which are first shrunk to norm `clip` together.
  // Returns their norm before. With a norm that is not finite nothing is updated.
  double step(double lr);

  // Moments by name, sharing memory with the optimiser: what a checkpoint stores besides steps().
  nn::NamedTensors state() const;
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  struct Slot {
    TrainedParameter parameter;
    torch::Tensor first;   // momentum, or Adam's first moment
    torch::Tensor second;  // Adam's second moment; undefined for SGD
    double decay;
  };
  double gradient_norm() const;
  void adamw(Slot& slot, double lr, float shrink) const;
  void sgd(Slot& slot, double lr, float shrink) const;

  const OptimiserOptions options_;
  std::vector<Slot> slots_;
  int64_t steps_ = 0;
};

}  // namespace cairn::run
