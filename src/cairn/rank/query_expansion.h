// Query expansion: a query is replaced by the mean of itself and its best photos.
#pragma once

#include <cstddef>
#include <vector>

#include "cairn/search/exact_index.h"

namespace cairn::rank {

struct ExpansionOptions {
  size_t photos = 0;  // that a query is averaged with
  // A photo counts similarity^alpha, a negative similarity nothing. 0: the plain mean (average
  // query expansion: Chum, Philbin, Sivic, Isard, Zisserman 2007, "Total Recall"). 3 is the value
  // of alpha-weighted expansion (Radenović, Tolias, Chum 2018, "Fine-tuning CNN Image Retrieval
  // with No Human Annotation", arXiv 1711.02512).
  double alpha = 0;
  int threads = 0;
};

// The expanded queries, queries × dim, of length 1.
std::vector<float> expand_queries(const search::Rows& queries, const search::ExactIndex& index,
                                  const ExpansionOptions& options);

}  // namespace cairn::rank
