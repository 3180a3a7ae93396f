#include "cairn/rank/landmark_country.h"

#include <map>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/rank/first_reciprocal.h"
#include "cairn/search/kept_neighbours.h"

namespace cairn::rank {
namespace {

std::vector<ScoredTag> shares(std::span<const search::Hit> hits, std::span<const int64_t> tags) {
  std::map<int64_t, double> sums;
  double total = 0;
  for (const search::Hit& hit : hits) {
    sums[tags[hit.row]] += hit.score;
    total += hit.score;
  }
  std::vector<ScoredTag> scored;
  for (const auto& [tag, sum] : sums) scored.push_back({tag, total > 0 ? sum / total : 0});
  return scored;
}

double score_of(std::span<const ScoredTag> tags, int64_t tag) {
  if (tag < 0) return 0;
  for (const ScoredTag& scored : tags)
    if (scored.tag == tag) return scored.score;
  return 0;
}

}  // namespace

QueryTags tags_of_hits(std::span<const search::Hit> hits, const References& references,
                       size_t top) {
  const auto best = hits.first(std::min(top, hits.size()));
  QueryTags tags{shares(best, references.landmarks), {}};
  if (!references.countries.empty()) tags.countries = shares(best, references.countries);
  return tags;
}

std::vector<QueryTags> tag_queries(const search::Rows& queries, const References& references,
                                   size_t top, const FastKReciprocalOptions& options) {
  std::vector<QueryTags> tags;
  for (const auto& hits : first_of_fast_k_reciprocal(queries, *references.rows, top, options))
    tags.push_back(tags_of_hits(hits, references, top));
  return tags;
}

PhotoTags tag_photos(const search::Rows& photos, const References& references,
                     const search::SearchOptions& options, const std::filesystem::path& keep) {
  search::SearchOptions search = options;
  search.top = 1;
  std::vector<size_t> all(photos.count());
  std::iota(all.begin(), all.end(), size_t{0});
  PhotoTags tags;
  for (const auto& nearest : search::kept_neighbours(keep, photos, all, *references.rows, search)) {
    CAIRN_ASSERT(!nearest.empty());
    tags.landmarks.push_back(references.landmarks[nearest[0]]);
    if (!references.countries.empty()) tags.countries.push_back(references.countries[nearest[0]]);
  }
  return tags;
}

void add_bonus(Similarities& similarities, const Similarities& basis,
               std::span<const QueryTags> queries, const PhotoTags& photos,
               const BonusOptions& options) {
  CAIRN_ASSERT(queries.size() == similarities.queries);
  CAIRN_ASSERT(photos.landmarks.size() == similarities.photos);
  for (size_t q = 0; q < queries.size(); ++q) {
    for (size_t i = 0; i < similarities.photos; ++i) {
      if (options.threshold && basis.row(q)[i] < *options.threshold) continue;
      double bonus = options.alpha * score_of(queries[q].landmarks, photos.landmarks[i]);
      if (!photos.countries.empty())
        bonus += options.beta * score_of(queries[q].countries, photos.countries[i]);
      if (bonus != 0) similarities.row(q)[i] = static_cast<float>(similarities.row(q)[i] + bonus);
    }
  }
}

}  // namespace cairn::rank
