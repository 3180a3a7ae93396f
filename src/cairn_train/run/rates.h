// The learning rate of every step of a run.
#pragma once

#include <cstdint>
#include <vector>

#include "cairn_train/run/recipe.h"

namespace cairn::run {

class RatePlan {
 public:
  // steps: of an epoch.
  RatePlan(const Recipe& recipe, int64_t steps);
  // epoch and step within it, both from 0.
  double at(int64_t epoch, int64_t step) const;

 private:
  int64_t steps_;              // of an epoch
  std::vector<double> rates_;  // by time: steps, or epochs where the rate changes by epoch
  bool by_epoch_;
};

}  // namespace cairn::run
