// Learning-rate schedules. Each is a pure function of the step or the epoch, or (where the
// reference is recursive) a small state machine.
#pragma once

#include <cstdint>
#include <vector>

namespace cairn::optim {

// Linear warm-up, then half a cosine down to min_lr: the default.
struct WarmupCosine {
  double base_lr = 1e-3;
  double min_lr = 0;
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;  // with the warm-up
  // Of optimiser step 0, 1, …: base_lr/warmup_steps at step 0, base_lr at the end of the warm-up,
  // min_lr from the last step on.
  double at(int64_t step) const;
};

// The schedule of the vt reference: gradual warm-up to multiplier·base_lr, then PyTorch's recursive
// CosineAnnealingLR. Its quirks are kept: the warm-up's last rate is used twice, and the cosine is
// periodic and rises again after cosine_steps.
class VtSchedule {
 public:
  struct Options {
    double base_lr = 3e-4;
    double multiplier = 10;  // at least 1; at 1 the warm-up rises from 0
    int warmup_steps = 1;    // 0: the cosine alone
    int cosine_steps = 12;
    double min_lr = 1e-7;
    // The older scheduler falls back to base_lr when the cosine begins.
    bool restarts_at_base = false;
  };
  // Throws Error for a multiplier below 1 or cosine_steps below 1.
  explicit VtSchedule(const Options& options);
  double lr() const { return lr_; }  // to use until the next step()
  void step();                       // once an epoch, or once an iteration

 private:
  void step_cosine();

  Options options_;
  double peak_lr_;
  double lr_;
  int64_t warmup_taken_ = 0;
  int64_t cosine_taken_ = 0;
  bool in_cosine_;
};

// The schedule of the wz reference, by fractional epochs: linear warm-up from warmup_lr to base_lr,
// then a cosine over all epochs that does not subtract the warm-up (it starts below base_lr), then
// min_lr.
struct WzCosine {
  double base_lr = 0.08;
  double min_lr = 1.6e-4;
  double warmup_lr = 8e-4;
  double warmup_epochs = 1;
  double epochs = 10;
  double at(double epoch) const;
};

// base_lr · gamma^(milestones reached), with a warm-up that multiplies by a factor rising linearly
// from warmup_factor to 1, or by warmup_factor throughout.
struct MultiStep {
  double base_lr = 0.08;
  std::vector<int64_t> milestones;  // ascending
  double gamma = 0.1;
  double warmup_factor = 0.01;
  double warmup_steps = 5;
  bool constant_warmup = false;
  double at(int64_t step) const;
};

}  // namespace cairn::optim
