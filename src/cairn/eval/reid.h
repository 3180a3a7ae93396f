// Re-identification scores: a query and gallery image match when their ids are equal; cameras (or
// groups) say which gallery images a query is compared with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cairn::eval {

struct ReidImage {
  int64_t id = 0;
  int64_t camera = 0;
};

// The id and camera of gallery images that every query is compared with and none matches.
inline constexpr int64_t kReidDistractor = 9999;

struct ReidScores {
  double map = 0;
  std::vector<double> cmc;   // share of queries with a match at ranks ≤ 1, 2, …
  size_t valid_queries = 0;  // queries with a match in the gallery; means are over these
};

// distances: queries × gallery, row-major; smaller is better, ties in gallery order. Gallery images
// with the query's id and camera are left out (Market-1501 protocol); cmc has min(max_rank,
// gallery) ranks. Throws Error where sizes disagree.
ReidScores score_reid(std::span<const float> distances, std::span<const ReidImage> queries,
                      std::span<const ReidImage> gallery, size_t max_rank = 50);

// The same for retrieval inside groups: a query is compared with the gallery images of its camera
// and with the distractors, and AP is trapezoidal over the first max_rank ranks.
ReidScores score_reid_by_group(std::span<const float> distances, std::span<const ReidImage> queries,
                               std::span<const ReidImage> gallery, size_t max_rank = 10000);

// Distances of all pairs, queries × gallery, row-major; rows are vectors of dim numbers. Sums are
// in double.
std::vector<float> squared_distances(std::span<const float> queries, std::span<const float> gallery,
                                     size_t dim);
// The angle in radians between the vectors (arc cosine of the cosine).
std::vector<float> angles(std::span<const float> queries, std::span<const float> gallery,
                          size_t dim);

}  // namespace cairn::eval
