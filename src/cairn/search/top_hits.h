// The best hits of one query while rows stream by.
#pragma once

#include <limits>
#include <vector>

#include "cairn/search/exact_search.h"
#include "cairn/search/ids.h"

namespace cairn::search {

// Keeps the `top` best hits in the order of search_exact.
class TopHits {
 public:
  TopHits(size_t top, Ids ids) : top_(top), ids_(ids) {}

  // A row that scores less cannot become a hit; one that scores as much can, by its id.
  bool full() const { return hits_.size() == top_; }
  float worst() const {
    return hits_.size() < top_ ? -std::numeric_limits<float>::infinity() : hits_.front().score;
  }
  void add(Hit hit);
  void add_all(const TopHits& others);
  // The hits, best first; leaves nothing behind.
  std::vector<Hit> take();

 private:
  bool better(const Hit& a, const Hit& b) const;

  size_t top_;
  Ids ids_;
  std::vector<Hit> hits_;  // a heap with the worst hit in front
};

}  // namespace cairn::search
