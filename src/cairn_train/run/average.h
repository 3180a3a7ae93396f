// An exponential moving average of the weights, which validates better than the last weights
// (Polyak, Juditsky 1992).
#pragma once

#include <torch/torch.h>

#include "cairn_train/nn/safetensors.h"

namespace cairn::run {

class WeightAverage {
 public:
  // Starts at the module's parameters and buffers, which must outlive it. decay 0: does nothing.
  WeightAverage(const torch::nn::Module& module, double decay);

  // average = decay · average + (1 - decay) · weights; numbers that are not floats are copied.
  void update();

  // Exchanges the module's weights and the average; a second call undoes it.
  void swap();

  // Shares memory with the average: what a checkpoint stores.
  const nn::NamedTensors& state() const { return average_; }

 private:
  double decay_;
  nn::NamedTensors weights_;
  nn::NamedTensors average_;
};

}  // namespace cairn::run
