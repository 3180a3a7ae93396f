#include "cairn_train/run/loss_scale.h"

#include <algorithm>

namespace cairn::run {
namespace {

constexpr int64_t kGrowAfter = 2000;  // finite steps, as PyTorch's GradScaler

}  // namespace

void LossScale::update(bool finite) {
  if (!on_) return;
  if (!finite) {
    scale_ = std::max(1.0, scale_ / 2);
    good_steps_ = 0;
  } else if (++good_steps_ == kGrowAfter) {
    scale_ *= 2;
    good_steps_ = 0;
  }
}

void LossScale::restore(double scale, int64_t good_steps) {
  if (!on_) return;
  scale_ = scale;
  good_steps_ = good_steps;
}

}  // namespace cairn::run
