// How much of a panel's dimensions to multiply before asking whether the rest can matter.
#pragma once

#include <array>
#include <cstddef>

#include "cairn/search/quantise.h"

namespace cairn::search {

// Learns from the panels so far, of one tile of queries: where giving up saves more products than
// asking costs, it names the head that saves most, and now and then another to see whether that has
// changed. Wherever nothing is saved, asking costs a 400th.
class HeadChoice {
 public:
  // For the next panel: a head, or kHeads: do not ask.
  size_t next() {
    if (++panels_ % kProbe == 0) return panels_ / kProbe % kHeads;
    return best_;
  }

  void record(size_t head, bool given_up) {
    constexpr float kWeight = 1.0F / 8;
    given_up_[head] += kWeight * ((given_up ? 1.0F : 0.0F) - given_up_[head]);
    best_ = kHeads;
    float least = 1;
    for (size_t h = 0; h < kHeads; ++h) {
      const float cost = kAsking + 1 - given_up_[h] * (1 - head_share(h));
      if (cost < least) {
        least = cost;
        best_ = h;
      }
    }
  }

 private:
  static constexpr size_t kProbe = 16;
  static constexpr float kAsking = 0.04F;  // of the products of a panel

  std::array<float, kHeads> given_up_ = {};  // what share of the panels
  size_t best_ = kHeads;
  size_t panels_ = 0;
};

}  // namespace cairn::search
