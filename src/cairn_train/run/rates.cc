#include "cairn_train/run/rates.h"

#include <algorithm>
#include <cmath>

#include "cairn_train/optim/schedule.h"
#include "cairn_train/run/stages.h"

namespace cairn::run {
namespace {

// count rates of a warm-up and a cosine (or a constant); an epoch is `unit` of them.
std::vector<double> smooth_rates(const Recipe& recipe, int64_t count, int64_t unit) {
  const ScheduleOptions& schedule = recipe.schedule;
  const double lr = recipe.optimiser.lr;
  const auto in_units = [&](double epochs) {
    return std::llround(epochs * static_cast<double>(unit));
  };
  optim::WarmupCosine cosine;
  cosine.base_lr = lr;
  cosine.min_lr = schedule.type == "constant" ? lr : std::min(schedule.min_lr, lr);
  cosine.warmup_steps = in_units(schedule.warmup_epochs);
  cosine.total_steps = count;
  if (schedule.cosine_epochs > 0)
    cosine.total_steps = cosine.warmup_steps + in_units(schedule.cosine_epochs) + 1;
  std::vector<double> rates;
  for (int64_t i = 0; i < count; ++i) rates.push_back(cosine.at(i));
  return rates;
}

// count rates that fall at milestones; an epoch is `unit` of them.
std::vector<double> step_rates(const Recipe& recipe, int64_t count, int64_t unit) {
  const ScheduleOptions& schedule = recipe.schedule;
  const auto of_epoch = static_cast<double>(unit);
  optim::MultiStep steps{.base_lr = recipe.optimiser.lr,
                         .milestones = {},
                         .gamma = schedule.gamma,
                         .warmup_factor = schedule.warmup_factor,
                         .warmup_steps = schedule.warmup_epochs * of_epoch,
                         .constant_warmup = schedule.warmup == "constant"};
  for (const double epoch : schedule.milestones)
    steps.milestones.push_back(std::llround(epoch * of_epoch));
  std::vector<double> rates;
  for (int64_t i = 0; i < count; ++i) rates.push_back(steps.at(i));
  return rates;
}

// count rates of the wz reference.
std::vector<double> wz_rates(const Recipe& recipe, int64_t count, int64_t unit) {
  const ScheduleOptions& schedule = recipe.schedule;
  const auto of_epoch = static_cast<double>(unit);
  const double lr = recipe.optimiser.lr;
  const optim::WzCosine cosine{.base_lr = lr,
                               .min_lr = std::min(schedule.min_lr, lr),
                               .warmup_lr = lr * schedule.warmup_factor,
                               .warmup_epochs = schedule.warmup_epochs,
                               .epochs = schedule.cosine_epochs > 0
                                             ? schedule.cosine_epochs
                                             : static_cast<double>(count) / of_epoch};
  std::vector<double> rates;
  for (int64_t i = 0; i < count; ++i) rates.push_back(cosine.at(static_cast<double>(i) / of_epoch));
  return rates;
}

std::vector<double> plain_rates(const Recipe& recipe, int64_t count, int64_t unit) {
  if (recipe.schedule.type == "multistep") return step_rates(recipe, count, unit);
  if (recipe.schedule.type == "wz") return wz_rates(recipe, count, unit);
  return smooth_rates(recipe, count, unit);
}

// The reference's state machine, stepped as its trainer does: each epoch, or by epoch during the
// warm-up and each step afterwards.
std::vector<double> vt_rates(const Recipe& recipe, int64_t epochs, int64_t steps, bool by_epoch) {
  const ScheduleOptions& schedule = recipe.schedule;
  optim::VtSchedule::Options options;
  options.multiplier = schedule.multiplier;
  options.base_lr = recipe.optimiser.lr / schedule.multiplier;
  options.warmup_steps = static_cast<int>(std::llround(schedule.warmup_epochs));
  const double cosine_epochs =
      schedule.cosine_epochs > 0 ? schedule.cosine_epochs : static_cast<double>(epochs);
  const auto unit = static_cast<double>(by_epoch ? 1 : steps);
  options.cosine_steps = static_cast<int>(std::max<int64_t>(1, std::llround(cosine_epochs * unit)));
  options.min_lr = schedule.min_lr;
  optim::VtSchedule machine(options);
  std::vector<double> rates;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    if (by_epoch) rates.push_back(machine.lr());
    for (int64_t step = 0; step < steps && !by_epoch; ++step) {
      rates.push_back(machine.lr());
      if (epoch >= options.warmup_steps) machine.step();
    }
    machine.step();
  }
  return rates;
}

}  // namespace

RatePlan::RatePlan(const Recipe& recipe, int64_t steps)
    : steps_(steps), by_epoch_(recipe.schedule.by == "epoch") {
  const int64_t epochs = total_epochs(recipe);
  if (recipe.schedule.type == "vt")
    rates_ = vt_rates(recipe, epochs, steps, by_epoch_);
  else if (by_epoch_)
    rates_ = plain_rates(recipe, epochs, 1);
  else
    rates_ = plain_rates(recipe, epochs * steps, steps);
}

double RatePlan::at(int64_t epoch, int64_t step) const {
  const int64_t time = by_epoch_ ? epoch : epoch * steps_ + step;
  return rates_.at(static_cast<size_t>(time));
}

}  // namespace cairn::run
