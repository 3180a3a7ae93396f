// Learning-rate schedules against the reference implementations.
#include <gtest/gtest.h>

#include "cairn/base/testing/testing.h"
#include "cairn_train/optim/schedule.h"

namespace cairn::optim {
namespace {

using nlohmann::json;

void expect_rate(double lr, double reference, double tolerance, const std::string& where) {
  EXPECT_NEAR(lr, reference, tolerance * reference) << where;
}

// One rate an epoch, or with the interval "step" one an iteration once the warm-up is over.
void expect_vt(const json& sequence, const VtSchedule::Options& options, double tolerance) {
  VtSchedule schedule(options);
  const json& used = sequence["used_in_epoch"];
  ASSERT_FALSE(used.empty());
  for (size_t epoch = 0; epoch < used.size(); ++epoch) {
    const std::string where = "epoch " + std::to_string(epoch);
    if (!used[epoch].is_array()) {
      expect_rate(schedule.lr(), used[epoch], tolerance, where);
    } else {
      for (const double reference : used[epoch]) {
        expect_rate(schedule.lr(), reference, tolerance, where);
        if (epoch >= static_cast<size_t>(options.warmup_steps)) schedule.step();
      }
    }
    schedule.step();
    if (sequence.contains("after_epoch_step")) {
      expect_rate(schedule.lr(), sequence["after_epoch_step"][epoch], tolerance, "after " + where);
    }
  }
}

void expect_wz_cosine(const json& sequence, double tolerance) {
  for (size_t group = 0; group < sequence["base_lr"].size(); ++group) {
    const WzCosine schedule{.base_lr = sequence["base_lr"][group],
                            .min_lr = sequence["lr_min"],
                            .warmup_lr = sequence["warmup_lr_init"],
                            .warmup_epochs = sequence["warmup_epochs"],
                            .epochs = sequence["epochs"]};
    const double iterations = sequence["iterations_per_epoch"];
    const json& used = sequence["used"];
    ASSERT_FALSE(used.empty());
    for (size_t i = 0; i < used.size(); ++i) {
      expect_rate(schedule.at(static_cast<double>(i) / iterations), used[i][group], tolerance,
                  "iteration " + std::to_string(i));
    }
    expect_rate(schedule.at(static_cast<double>(used.size()) / iterations),
                sequence["final"][group], tolerance, "final");
  }
}

void expect_multi_step(const json& sequence, double tolerance) {
  const json& parameters = sequence["parameters"];
  for (size_t group = 0; group < sequence["base_lr"].size(); ++group) {
    const MultiStep schedule{.base_lr = sequence["base_lr"][group],
                             .milestones = parameters["milestones"],
                             .gamma = parameters["gamma"],
                             .warmup_factor = parameters["warmup_factor"],
                             .warmup_steps = parameters["warmup_iters"],
                             .constant_warmup = parameters["warmup_method"] == "constant"};
    const json& used = sequence["used"];
    ASSERT_FALSE(used.empty());
    for (size_t i = 0; i < used.size(); ++i) {
      expect_rate(schedule.at(static_cast<int64_t>(i)), used[i][group], tolerance,
                  "step " + std::to_string(i));
    }
  }
}

TEST(OptimGolden, optim_lr_schedules) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto golden = cairn::testing::golden_case("optim/lr_schedules");
  const double tolerance = golden.spec["tolerance"]["max"];
  const json sequences = golden.json("sequences.json");
  EXPECT_EQ(sequences.size(), 10u);
  for (const auto& [name, sequence] : sequences.items()) {
    SCOPED_TRACE(name);
    if (name.starts_with("vt_")) {
      VtSchedule::Options options{.base_lr = sequence["base_lr"]};
      if (name.starts_with("vt_cosine_only")) options.warmup_steps = 0;
      if (name == "vt_warmup_v1_multiplier10") options.restarts_at_base = true;
      if (name == "vt_warmup_v2_multiplier1_total3") {
        options.multiplier = 1;
        options.warmup_steps = 3;
      }
      expect_vt(sequence, options, tolerance);
    } else if (name.starts_with("wz_cosine_")) {
      expect_wz_cosine(sequence, tolerance);
    } else {
      expect_multi_step(sequence, tolerance);
    }
  }
}

}  // namespace
}  // namespace cairn::optim
