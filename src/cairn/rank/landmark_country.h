// Landmark-country-aware re-ranking: Zhang et al. 2021, "2nd Place Solution to Google Landmark
// Retrieval 2021" (arXiv 2110.04294). Labelled references tell what queries and index photos show;
// photos of the same landmark, and of the same country, move up.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "cairn/rank/k_reciprocal.h"
#include "cairn/rank/similarities.h"
#include "cairn/search/exact_index.h"

namespace cairn::rank {

// Labelled photos. Tags below 0 mean "none" or "unknown": they are counted among a query's tags,
// and match nothing.
struct References {
  const search::ExactIndex* rows = nullptr;
  std::span<const int64_t> landmarks;  // one a row
  std::span<const int64_t> countries;  // one a row, or empty: not known
};

struct ScoredTag {
  int64_t tag = 0;
  double score = 0;
};

// What a query may show: by rising tag, scores add up to 1.
struct QueryTags {
  std::vector<ScoredTag> landmarks;
  std::vector<ScoredTag> countries;
};

// What index photos show, one tag a row.
struct PhotoTags {
  std::vector<int64_t> landmarks;
  std::vector<int64_t> countries;  // empty where those of the references are
};

// The tags of a query's `top` best references (as lists from fast_k_reciprocal or a search hold
// them), each with its share of their similarities.
QueryTags tags_of_hits(std::span<const search::Hit> hits, const References& references, size_t top);

// The tags of all queries by the similarity of fast_k_reciprocal to the references.
std::vector<QueryTags> tag_queries(const search::Rows& queries, const References& references,
                                   size_t top, const FastKReciprocalOptions& options);

// The tags of each photo's nearest reference; where these are kept: see search::kept_neighbours.
PhotoTags tag_photos(const search::Rows& photos, const References& references,
                     const search::SearchOptions& options, const std::filesystem::path& keep = {});

struct BonusOptions {
  double alpha = 1;   // of the landmark's score
  double beta = 0.1;  // of the country's score
  // Photos less similar to a query than this get no bonus. The reference has an argument for it
  // that does nothing.
  std::optional<double> threshold = {};
};

// similarity + α × score of the photo's landmark + β × score of its country. `basis` is what the
// threshold looks at: the similarities before any bonus; may be the same object.
void add_bonus(Similarities& similarities, const Similarities& basis,
               std::span<const QueryTags> queries, const PhotoTags& photos,
               const BonusOptions& options);

}  // namespace cairn::rank
