#include "cairn_train/optim/schedule.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"

namespace cairn::optim {
namespace {

TEST(WarmupCosine, rises_linearly_then_falls_to_the_minimum_at_the_last_step) {
  const WarmupCosine schedule{.base_lr = 1.0, .min_lr = 0.1, .warmup_steps = 4, .total_steps = 15};
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.25);
  EXPECT_DOUBLE_EQ(schedule.at(3), 1.0);
  EXPECT_DOUBLE_EQ(schedule.at(4), 1.0);
  EXPECT_DOUBLE_EQ(schedule.at(9), 0.55);  // half way
  EXPECT_DOUBLE_EQ(schedule.at(14), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(1000), 0.1);
  for (int64_t step = 5; step < 15; ++step) EXPECT_LT(schedule.at(step), schedule.at(step - 1));
}

TEST(WarmupCosine, works_without_warm_up_and_for_one_step) {
  EXPECT_DOUBLE_EQ((WarmupCosine{.base_lr = 2.0, .total_steps = 10}).at(0), 2.0);
  EXPECT_DOUBLE_EQ((WarmupCosine{.base_lr = 2.0, .total_steps = 1}).at(0), 2.0);
}

TEST(VtSchedule, refuses_values_that_have_no_schedule) {
  EXPECT_THROW(VtSchedule({.multiplier = 0.5}), Error);
  EXPECT_THROW(VtSchedule({.cosine_steps = 0}), Error);
}

}  // namespace
}  // namespace cairn::optim
