#include "cairn_train/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "cairn/base/error.h"

namespace cairn::optim {
namespace {

constexpr double kPi = std::numbers::pi;

// 1 at t = 0, 0 at t = 1.
double half_cosine(double t) { return 0.5 * (1.0 + std::cos(kPi * t)); }

}  // namespace

double WarmupCosine::at(int64_t step) const {
  if (step < warmup_steps) {
    return base_lr * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  }
  const int64_t length = std::max<int64_t>(total_steps - warmup_steps - 1, 1);
  const double t = static_cast<double>(step - warmup_steps) / static_cast<double>(length);
  return min_lr + (base_lr - min_lr) * half_cosine(std::min(t, 1.0));
}

VtSchedule::VtSchedule(const Options& options)
    : options_(options),
      peak_lr_(options.base_lr * options.multiplier),
      lr_(options.multiplier == 1.0 && options.warmup_steps > 0 ? 0.0 : options.base_lr),
      in_cosine_(options.warmup_steps <= 0) {
  if (in_cosine_) peak_lr_ = options.base_lr;
  if (options.cosine_steps < 1) {
    throw Error("cosine_steps: " + std::to_string(options.cosine_steps) + " is not above 0");
  }
  if (!(options.multiplier >= 1.0)) {
    throw Error("multiplier: " + std::to_string(options.multiplier) + " is below 1");
  }
}

void VtSchedule::step() {
  if (in_cosine_) {
    step_cosine();
    return;
  }
  ++warmup_taken_;
  if (warmup_taken_ > options_.warmup_steps) {
    in_cosine_ = true;  // this step changes over and leaves the rate alone
    if (options_.restarts_at_base) lr_ = options_.base_lr;
    return;
  }
  const double t = static_cast<double>(warmup_taken_) / options_.warmup_steps;
  lr_ = options_.multiplier == 1.0 ? options_.base_lr * t
                                   : options_.base_lr * ((options_.multiplier - 1.0) * t + 1.0);
}

void VtSchedule::step_cosine() {
  ++cosine_taken_;
  const double length = options_.cosine_steps;
  const auto now = static_cast<double>(cosine_taken_);
  // From the bottom of the cosine the ratio below would be 0/0.
  if ((cosine_taken_ - 1 - options_.cosine_steps) % (2 * options_.cosine_steps) == 0) {
    lr_ += (peak_lr_ - options_.min_lr) * (1.0 - half_cosine(1.0 / length));
    return;
  }
  const double ratio = half_cosine(now / length) / half_cosine((now - 1.0) / length);
  lr_ = ratio * (lr_ - options_.min_lr) + options_.min_lr;
}

double WzCosine::at(double epoch) const {
  if (epoch < warmup_epochs) return warmup_lr + epoch * (base_lr - warmup_lr) / warmup_epochs;
  if (epoch >= epochs) return min_lr;
  return min_lr + (base_lr - min_lr) * half_cosine(epoch / epochs);
}

double MultiStep::at(int64_t step) const {
  const auto reached = std::upper_bound(milestones.begin(), milestones.end(), step);
  double lr = base_lr * std::pow(gamma, static_cast<double>(reached - milestones.begin()));
  const auto now = static_cast<double>(step);
  if (now < warmup_steps) {
    const double t = now / warmup_steps;
    lr *= constant_warmup ? warmup_factor : warmup_factor * (1.0 - t) + t;
  }
  return lr;
}

}  // namespace cairn::optim
