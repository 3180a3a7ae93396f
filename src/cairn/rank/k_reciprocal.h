// Re-ranking with k-reciprocal neighbours: Zhong, Zheng, Cao, Li 2017, "Re-ranking Person
// Re-identification with k-reciprocal Encoding" (arXiv 1701.08398). Photos that are among each
// other's nearest are trusted; each photo is described by them, and two photos are compared by the
// Jaccard distance of these descriptions.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <vector>

#include "cairn/rank/similarities.h"
#include "cairn/search/exact_index.h"

namespace cairn::rank {

struct KReciprocalOptions {
  size_t k1 = 20;       // neighbours that must be mutual, at least 1
  size_t k2 = 6;        // descriptions that are averaged (the photo's own first); 1: no averaging
  double lambda = 0.3;  // share of the original distance
  // The paper's code: squared distances, each photo's divided by its largest. Else the distance is
  // (1 - cosine) / 2, as in the landmark solution of Zhang et al. 2021 (arXiv 2110.04294).
  bool scaled = true;
  bool half = false;  // round as the reference's float16 arrays do
  int threads = 0;
};

// Distances of queries to photos, queries × photos: (1-λ) Jaccard + λ original; smaller is better.
// All rows must be of length 1. Memory: the result, and some hundred numbers for each row. Throws
// Error as search_exact.
Similarities k_reciprocal_distances(const search::Rows& queries, const search::Rows& photos,
                                    const KReciprocalOptions& options);

// The same by a query's near surroundings only (Zhang et al. 2021): its nearest photos and the
// nearest of each of them are compared with distances (1 - cosine) / 2.
struct FastKReciprocalOptions {
  size_t neighbours = 30;
  size_t k1 = 10;
  size_t k2 = 3;
  double lambda = 0.5;
  int threads = 0;
  std::function<void(size_t)> on_done = {};  // see search::SearchOptions; in queries
  std::filesystem::path keep = {};           // see search::kept_neighbours; of the photos
};

// For each query the photos of its surroundings by falling similarity 1 - ((1-λ) Jaccard + λ
// distance), equal ones by rising id. Neighbours are searched once for each distinct photo.
std::vector<std::vector<search::Hit>> fast_k_reciprocal(const search::Rows& queries,
                                                        const search::ExactIndex& photos,
                                                        const FastKReciprocalOptions& options);

// As above, for all photos: outside the surroundings the Jaccard distance is 1.
Similarities fast_k_reciprocal_similarities(const search::Rows& queries,
                                            const search::ExactIndex& photos,
                                            const FastKReciprocalOptions& options);

// Jaccard distances of the first row to each of the others, by distances (1 - cosine) / 2.
std::vector<float> set_jaccard(const search::Rows& rows, size_t k1, size_t k2);

}  // namespace cairn::rank
