// From nearest references to a landmark.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "cairn/search/exact_search.h"

namespace cairn::rank {

// A labelled reference near a query.
struct Neighbour {
  int64_t landmark = 0;
  double similarity = 0;
};

struct Vote {
  int64_t landmark = 0;
  double confidence = 0;
};

// Sums the similarities per landmark; the landmark with the highest sum wins, the smaller id where
// sums are equal. Nothing without neighbours.
std::optional<Vote> vote(std::span<const Neighbour> neighbours);

struct RecognizeOptions {
  size_t top_k = 3;  // references that vote, at least 1
  int threads = 0;
  std::function<void(size_t)> on_done = {};  // see search::SearchOptions
};

// One vote a query: of its top_k most similar references, whatever their landmarks. landmarks[i] is
// that of reference row i. Nothing where there are no references. Throws Error as search_exact.
std::vector<std::optional<Vote>> recognize(const search::Rows& queries,
                                           const search::Rows& references,
                                           std::span<const int64_t> landmarks,
                                           const RecognizeOptions& options);

}  // namespace cairn::rank
