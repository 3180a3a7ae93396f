// Re-ranking by landmark alone, and other ways to tag photos: the variants in the code of Zhang et
// al. 2021 (arXiv 2110.04294).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cairn/rank/landmark_country.h"

namespace cairn::rank {

// Photos for which belongs(query, photo) holds come first, the others after them, each in the order
// of their similarities (equal ones by row). Values become 1 - rank / photos, rank from 0.
void promote(Similarities& similarities, const std::function<bool(size_t, size_t)>& belongs,
             int threads);

// Category re-ranking: photos with the query's landmark come first. A landmark below 0 has none.
void rerank_by_category(Similarities& similarities, std::span<const int64_t> queries,
                        std::span<const int64_t> photos, int threads);

struct CategoryExpansionOptions {
  size_t top = 3;  // references of a query whose landmarks count
  double similarity = 0.6;
  int threads = 0;
};

// Category expansion: photos come first that are more similar than that to any reference with a
// landmark of the query's `top` most similar references.
void rerank_by_category_expansion(Similarities& similarities, const search::Rows& queries,
                                  const search::Rows& photos, const References& references,
                                  const CategoryExpansionOptions& options);

// A query's landmark by the nearest mean: rows of one tag are averaged and scaled to length 1. One
// tag a query, with its cosine (equal ones: the smaller tag).
std::vector<ScoredTag> nearest_mean_tags(const search::Rows& queries, const search::Rows& rows,
                                         std::span<const int64_t> tags, int threads);

// The tag of the most similar row.
std::vector<ScoredTag> nearest_row_tags(const search::Rows& queries, const search::ExactIndex& rows,
                                        std::span<const int64_t> tags, int threads);

// One tag of several models' tags for the same query: the one with the largest sum of weight ×
// score, the smallest of equals. Where `agreement` is set, models that all differ give -1, as in
// the reference.
int64_t merge_tags(std::span<const ScoredTag> tags, std::span<const double> weights,
                   bool agreement);

}  // namespace cairn::rank
