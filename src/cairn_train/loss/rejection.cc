#include "cairn_train/loss/rejection.h"

namespace cairn::loss {

torch::Tensor rejection_losses(const torch::Tensor& cosines, double threshold, double scale) {
  return torch::softplus(torch::logsumexp((cosines - threshold) * scale, 1));
}

}  // namespace cairn::loss
