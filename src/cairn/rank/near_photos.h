// What the neighbours of a query's nearest photos say about the first hits of its fast k-reciprocal
// list. Internal to the rank room.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cairn/rank/k_reciprocal.h"

namespace cairn::rank {

// A query (node 0) and its nearest photos (nodes by rising row), some with lists of neighbours.
//
// fast_k_reciprocal describes all photos of the surroundings by their neighbours among them. The
// list of a photo here is the same list, because the photo's nearest of all are in the
// surroundings; of other photos of the surroundings nothing is known but that they are no nearer to
// the query than the farthest here.
class NearPhotos {
 public:
  // hits: the options.neighbours nearest photos; at least options.k1 + 2. All rows have length 1
  // within kLengthSlack.
  NearPhotos(const float* query, std::span<const search::Hit> hits, const search::Rows& photos,
             const FastKReciprocalOptions& options);

  static constexpr double kLengthSlack = 1e-4;

  size_t count() const { return rows_.size() + 1; }  // nodes
  size_t row(size_t node) const { return rows_[node - 1]; }

  // The k1 + 2 rows nearest to a node among the photos here, and the least of their scores.
  std::vector<uint32_t> nearest_here(size_t node) const;
  float floor(size_t node) const { return score(node, node_of(nearest_here(node).back())); }

  // Takes the k1 + 2 photos nearest to a photo, best first, for its neighbours.
  void learn(size_t node, std::span<const uint32_t> nearest);

  // The first `top` hits of fast_k_reciprocal, where what was learnt tells. used: also sets those
  // nodes that it depended on.
  std::optional<std::vector<search::Hit>> first_hits(size_t top, std::vector<bool>& used) const;

 private:
  class Knowledge;

  double cosine(size_t a, size_t b) const { return cosines_[a * count() + b]; }
  float score(size_t a, size_t b) const { return static_cast<float>(cosine(a, b)); }
  uint32_t outside() const { return static_cast<uint32_t>(count()); }
  uint32_t node_of(size_t row) const;
  double shared_by_others() const;
  bool nearer_than_itself(size_t node, const std::vector<bool>& nodes) const;
  double upper_bound(double cosine, double shared) const;

  const search::Rows& photos_;
  const FastKReciprocalOptions& options_;
  std::vector<size_t> rows_;                 // rising
  std::vector<double> cosines_;              // of all nodes to all
  std::vector<std::vector<uint32_t>> near_;  // k1 + 1 nodes or outside(); empty: not known
};

}  // namespace cairn::rank
