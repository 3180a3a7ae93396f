// Similarities of all queries to all photos of an index: what re-ranking changes before the best
// are taken.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cairn/search/exact_search.h"

namespace cairn::rank {

struct Similarities {
  Similarities() = default;
  Similarities(size_t query_count, size_t photo_count)
      : queries(query_count), photos(photo_count), values(query_count * photo_count) {}

  std::span<float> row(size_t query) { return {values.data() + query * photos, photos}; }
  std::span<const float> row(size_t query) const {
    return {values.data() + query * photos, photos};
  }

  size_t queries = 0;
  size_t photos = 0;
  std::vector<float> values;  // queries × photos, row-major; larger is more similar
};

// Inner products, the scores of search_exact. Throws Error where dimensions differ.
Similarities cosine_similarities(const search::Rows& queries, const search::Rows& photos,
                                 int threads);

// sum += weight × other: fusion of models that saw the same photos, in the same order.
void add_weighted(Similarities& sum, const Similarities& other, double weight);

// The `top` photos of each query by falling similarity, equal ones by rising id.
std::vector<std::vector<search::Hit>> best_photos(const Similarities& similarities,
                                                  std::span<const std::string> ids, size_t top,
                                                  int threads);

}  // namespace cairn::rank
