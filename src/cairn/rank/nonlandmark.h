// The non-landmark penalty of Henkel and Singer 2020 ("Supporting large-scale image recognition
// with out-of-domain samples", arXiv 2010.01650): what looks like photos of nothing is trusted
// less.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cairn/rank/landmark_votes.h"
#include "cairn/search/exact_search.h"

namespace cairn::rank {

// One model's view of the photos. References and non-landmarks have their own ids; queries have the
// same ids, in the same order, in every model.
struct ModelRows {
  search::Rows queries;
  search::Rows references;
  std::span<const int64_t> landmarks;  // one a reference
  search::Rows nonlandmarks;           // may be empty
};

struct PenaltyOptions {
  size_t top_k = 3;            // references a model that vote
  size_t of_references = 5;    // nearest non-landmarks of a reference; 0: no penalty
  size_t of_queries = 10;      // of a query; 0: no penalty
  size_t skip_of_queries = 0;  // nearest ones passed over (1: the reference notebook's k = 11)
  int threads = 0;
};

// Each row's mean similarity to its `top` most similar non-landmarks, after the `skip` nearest; of
// fewer where there are fewer, 0 where there are none.
std::vector<double> nonlandmark_similarity(const search::Rows& rows,
                                           const search::Rows& nonlandmarks, size_t top,
                                           size_t skip, int threads);

// For each query the references with the largest similarity minus penalty, best first; hits hold
// that difference. penalties: one a reference. The search is exact.
std::vector<std::vector<search::Hit>> search_penalised(const search::Rows& queries,
                                                       const search::Rows& references,
                                                       std::span<const double> penalties,
                                                       const search::SearchOptions& options);

// The embeddings of several models of the same photos behind each other, scaled to length 1. Where
// the models' rows are of length 1, their cosine is the mean of the models' cosines.
std::vector<float> concatenate(std::span<const search::Rows> models);

// One vote a query: the top_k references of every model by similarity minus the reference's
// penalty, summed per landmark over all models, minus the query's own penalty.
std::vector<std::optional<Vote>> recognize_penalised(std::span<const ModelRows> models,
                                                     const PenaltyOptions& options);

}  // namespace cairn::rank
