#include "cairn/rank/landmark_votes.h"

#include <map>

#include "cairn/base/error.h"
#include "cairn/search/exact_index.h"

namespace cairn::rank {

std::optional<Vote> vote(std::span<const Neighbour> neighbours) {
  std::map<int64_t, double> sums;  // ordered: the first of equal sums is the smaller id
  for (const Neighbour& neighbour : neighbours) sums[neighbour.landmark] += neighbour.similarity;
  std::optional<Vote> best;
  for (const auto& [landmark, sum] : sums) {
    if (!best || sum > best->confidence) best = {landmark, sum};
  }
  return best;
}

std::vector<std::optional<Vote>> recognize(const search::Rows& queries,
                                           const search::Rows& references,
                                           std::span<const int64_t> landmarks,
                                           const RecognizeOptions& options) {
  CAIRN_ASSERT(landmarks.size() == references.count());
  search::SearchOptions search_options;
  search_options.top = options.top_k;
  search_options.threads = options.threads;
  search_options.on_done = options.on_done;
  std::vector<std::optional<Vote>> votes;
  for (const auto& hits : search::search_once(queries, references, search_options)) {
    std::vector<Neighbour> neighbours;
    neighbours.reserve(hits.size());
    for (const search::Hit& hit : hits) neighbours.push_back({landmarks[hit.row], hit.score});
    votes.push_back(vote(neighbours));
  }
  return votes;
}

}  // namespace cairn::rank
