// Diffusion of embeddings over the graph of nearest neighbours: "feature augmentation" of the
// landmark solution of Zhang et al. 2021 (arXiv 2110.04294), a graph convolution without weights
// (Zhang, Qian et al. 2020, "Understanding Image Retrieval Re-Ranking: A Graph Neural Network
// Perspective", arXiv 2012.07620).
#pragma once

#include <cstddef>
#include <vector>

#include "cairn/search/exact_search.h"

namespace cairn::rank {

struct DiffusionOptions {
  size_t iterations = 1;
  size_t neighbours = 5;       // the row itself among them
  double temperature = 0.2;    // a neighbour weighs exp(similarity / temperature)
  bool least_similar = false;  // the reference's mistake: neighbours are the least similar rows
  int threads = 0;
};

// Rows become the weighted mean of themselves and their neighbours, each weight divided by the root
// of (the row's sum of weights × the neighbour's sum over the rows that have it); then they are
// scaled to length 1. rows.count() × dim.
std::vector<float> diffuse(const search::Rows& rows, const DiffusionOptions& options);

}  // namespace cairn::rank
