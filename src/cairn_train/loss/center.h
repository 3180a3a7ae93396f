// Centre loss (Wen et al. 2016): pulls features to a moving centre of their class.
#pragma once

#include <torch/torch.h>

namespace cairn::loss {

class CenterLoss : public torch::nn::Module {
 public:
  // The key is "weight", classes×dim. Centres start normal, from torch's default generator. Throws
  // Error for sizes below 1.
  CenterLoss(int64_t classes, int64_t dim);

  // features N×dim, labels N (int64) → `weight` times the mean squared distance to the own centre,
  // without the paper's factor ½. The centres' gradient is that of weight 1: how fast they move
  // depends on their learning rate alone.
  torch::Tensor loss(const torch::Tensor& features, const torch::Tensor& labels,
                     double weight = 1) const;
  const torch::Tensor& weight() const { return weight_; }  // the centres

 private:
  torch::Tensor weight_;
};

}  // namespace cairn::loss
