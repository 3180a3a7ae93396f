// Loss scaling for training in float16 (Micikevicius et al. 2018): gradients too small for float16
// are lifted by a factor, which is halved where they overflow.
#pragma once

#include <cstdint>

namespace cairn::run {

class LossScale {
 public:
  // off: the factor is 1 and stays.
  explicit LossScale(bool on) : on_(on), scale_(on ? 65536 : 1) {}

  bool on() const { return on_; }
  double scale() const { return scale_; }
  // After a step whose gradients were finite (it was made) or not (it was left out).
  void update(bool finite);

  // What a checkpoint stores.
  int64_t good_steps() const { return good_steps_; }
  void restore(double scale, int64_t good_steps);

 private:
  bool on_;
  double scale_;
  int64_t good_steps_ = 0;  // since the last change
};

}  // namespace cairn::run
