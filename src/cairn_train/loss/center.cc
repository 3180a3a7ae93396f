#include "cairn_train/loss/center.h"

#include <fmt/format.h>

#include "cairn/base/error.h"

namespace cairn::loss {

CenterLoss::CenterLoss(int64_t classes, int64_t dim) {
  if (classes < 1 || dim < 1)
    throw Error(fmt::format("{} centres of {} dimensions are impossible", classes, dim));
  weight_ = register_parameter("weight", torch::randn({classes, dim}));
}

torch::Tensor CenterLoss::loss(const torch::Tensor& features, const torch::Tensor& labels,
                               double weight) const {
  const torch::Tensor centers = weight_.index_select(0, labels);
  const auto spread = [](const torch::Tensor& x, const torch::Tensor& c) {
    return (x - c).square().sum(1).clamp(1e-12, 1e12).mean();
  };
  const torch::Tensor pull = spread(features, centers.detach()) * weight;
  const torch::Tensor follow = spread(features.detach(), centers);
  return pull + follow - follow.detach();
}

}  // namespace cairn::loss
