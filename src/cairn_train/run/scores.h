// Validation scores of embeddings during training. `cairn eval` scores finished submissions.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace cairn::run {

struct LabelledEmbeddings {
  torch::Tensor embeddings;        // N × D, rows of length 1
  std::vector<int64_t> landmarks;  // N
  std::vector<size_t> photos;      // N: a photo is never compared with itself
};

struct Scores {
  double top1 = 0;  // share of queries named right
  double gap = 0;   // global average precision of the names by confidence (Google Landmarks)
  double map = 0;  // mean average precision at 100 of retrieval, over queries with a relevant photo
};

// Names every query by the landmark with the largest sum of its three best similarities among the
// references, and ranks the references by similarity. Queries of landmarks without a reference
// count as photos of nothing in gap and are left out of top1 and map.
Scores score_embeddings(const LabelledEmbeddings& queries, const LabelledEmbeddings& references);

}  // namespace cairn::run
