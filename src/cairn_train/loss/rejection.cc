#include "cairn_train/loss/rejection.h"

namespace cairn::loss {

torch::Tensor rejection_loss(const torch::Tensor& cosines, double threshold, double scale) {
  return torch::softplus(torch::logsumexp((cosines - threshold) * scale, 1)).mean();
}

}  // namespace cairn::loss
