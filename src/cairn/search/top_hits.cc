#include "cairn/search/top_hits.h"

#include <algorithm>
#include <utility>

namespace cairn::search {

bool TopHits::better(const Hit& a, const Hit& b) const {
  return a.score != b.score ? a.score > b.score : ids_[a.row] < ids_[b.row];
}

void TopHits::add(Hit hit) {
  const auto by_rank = [this](const Hit& a, const Hit& b) { return better(a, b); };
  if (hits_.size() == top_) {
    if (!better(hit, hits_.front())) return;
    std::pop_heap(hits_.begin(), hits_.end(), by_rank);
    hits_.back() = hit;
  } else {
    hits_.push_back(hit);
  }
  std::push_heap(hits_.begin(), hits_.end(), by_rank);
}

void TopHits::add_all(const TopHits& others) {
  for (const Hit& hit : others.hits_) add(hit);
}

std::vector<Hit> TopHits::take() {
  std::sort_heap(hits_.begin(), hits_.end(),
                 [this](const Hit& a, const Hit& b) { return better(a, b); });
  return std::exchange(hits_, {});
}

}  // namespace cairn::search
