#include "cairn_train/run/average.h"

#include "cairn_train/nn/embedding_net.h"

namespace cairn::run {

WeightAverage::WeightAverage(const torch::nn::Module& module, double decay) : decay_(decay) {
  if (decay == 0) return;
  weights_ = nn::state_dict(module);
  for (const auto& [name, tensor] : weights_) average_.emplace_back(name, tensor.detach().clone());
}

void WeightAverage::update() {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < average_.size(); ++i) {
    const torch::Tensor& now = weights_[i].second;
    torch::Tensor& average = average_[i].second;
    if (average.is_floating_point())
      average.mul_(decay_).add_(now, 1 - decay_);
    else
      average.copy_(now);
  }
}

void WeightAverage::swap() {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < average_.size(); ++i) {
    const torch::Tensor kept = weights_[i].second.clone();
    weights_[i].second.copy_(average_[i].second);
    average_[i].second.copy_(kept);
  }
}

}  // namespace cairn::run
