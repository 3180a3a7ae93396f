// How much of a panel's dimensions to multiply before asking whether the rest can matter.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "cairn/search/quantise.h"

namespace cairn::search {

// Learns from the panels so far, of one tile of queries: where giving up saves more products than
// asking costs, it names the head that saves most, and now and then another to see whether that has
// changed, the more rarely the longer it has not.
class HeadChoice {
 public:
  // For the next panel: a head, or kHeads: do not ask.
  size_t next() {
    if (--until_probe_ > 0) return best_;
    if (probe_ == kHeads) {
      probe_ = 0;
      interval_ = std::min(2 * interval_, kLongest);
    }
    until_probe_ = interval_;
    return probe_++;
  }

  // whole: for how many of the queries the panel was multiplied whole, which is slower for a few.
  void record(size_t head, size_t whole, size_t queries) {
    // Others than the best are seen rarely.
    const float weight = head == best_ ? 1.0F / 8 : 1.0F / 4;
    const size_t given_up = queries - std::min(2 * whole, queries);
    const float change =
        static_cast<float>(given_up) / static_cast<float>(queries) - given_up_[head];
    given_up_[head] += weight * change;
    if (head == best_ && change >= 0) return;  // still the best
    if (best_ == kHeads && given_up > 0) interval_ = kShortest;
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
  static constexpr size_t kShortest = 8;  // panels
  static constexpr size_t kLongest = 256;
  static constexpr float kAsking = 0.04F;  // of the products of a panel

  std::array<float, kHeads> given_up_ = {};  // what share of the panels
  size_t best_ = kHeads;
  size_t interval_ = kShortest;
  size_t until_probe_ = kShortest;
  size_t probe_ = 0;
};

}  // namespace cairn::search
