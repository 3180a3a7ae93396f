// What full and first lists of fast k-reciprocal have in common. Internal to the rank room.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "cairn/search/exact_search.h"

namespace cairn::rank {

// Distances are small where photos are alike: (1 - cosine) / 2, from 0 to 1.
inline double half_distance(double cosine) { return 1 - (cosine + 1) / 2; }

inline float fast_score(double cosine, double jaccard, double lambda) {
  return static_cast<float>(1 - (lambda * half_distance(cosine) + (1 - lambda) * jaccard));
}

inline void sort_by_score(std::vector<search::Hit>& hits, std::span<const std::string> ids) {
  std::ranges::sort(hits, [&](const search::Hit& a, const search::Hit& b) {
    return a.score != b.score ? a.score > b.score : ids[a.row] < ids[b.row];
  });
}

}  // namespace cairn::rank
