// The step of a gate, which the convolution after it may take in.
#pragma once

#include <optional>
#include <vector>

#include "cairn/engine/plan/builder.h"

namespace cairn::engine {

class GateStep : public Step {
 public:
  struct Places {
    Placement map;
    std::optional<Placement> residual{};
    Placement result;
    BufferId gate = 0;  // N × C
  };

  GateStep(Places places, const Shape& shape, bool rectified);
  void run(RunState& state) override;

  // Whether all it does is to multiply and to quantise.
  bool is_plain() const { return !places_.residual && !rectified_; }
  const Places& places() const { return places_; }

 private:
  Places places_;
  size_t block_;
  bool rectified_;
  size_t images_ = 0;
  size_t channels_ = 0;
  size_t positions_ = 1;
  std::vector<float> scale_;  // of the block at hand
  std::vector<float> shift_;
};

}  // namespace cairn::engine
