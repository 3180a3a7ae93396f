#include "cairn_train/loss/cosine_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "cairn/base/error.h"
#include "cairn_train/nn/layers.h"

namespace cairn::loss {

torch::Tensor normalize_rows(const torch::Tensor& x) {
  return torch::nn::functional::normalize(
      x, torch::nn::functional::NormalizeFuncOptions().p(2).dim(1).eps(1e-6));
}

CosineHead::CosineHead(int64_t embedding_dim, int64_t classes, int64_t subcenters,
                       Similarity similarity)
    : CosineHead(embedding_dim, classes, subcenters, similarity, {0, classes}) {}

CosineHead::CosineHead(int64_t embedding_dim, int64_t classes, int64_t subcenters,
                       Similarity similarity, const Slice& own)
    : classes_(own.size()), subcenters_(subcenters), similarity_(similarity) {
  if (embedding_dim < 1 || classes < 1 || subcenters < 1) {
    throw Error(fmt::format("a head of {} classes, {} sub-centres and {} dimensions is impossible",
                            classes, subcenters, embedding_dim));
  }
  const int64_t rows = classes * subcenters;
  const double bound = std::sqrt(6.0 / static_cast<double>(embedding_dim + rows));
  torch::Tensor weight = torch::empty({classes_ * subcenters, embedding_dim});
  // What belongs to others is drawn as well, a piece at a time, and dropped: the generator goes on
  // as in a whole head.
  const auto drop = [&](int64_t count) {
    constexpr int64_t kPiece = 4096;
    for (int64_t i = 0; i < count; i += kPiece)
      torch::empty({std::min(kPiece, count - i), embedding_dim}).uniform_(-bound, bound);
  };
  drop(own.begin * subcenters);
  weight.uniform_(-bound, bound);
  drop((classes - own.end) * subcenters);
  weight_ = register_parameter("weight", weight);
}

torch::Tensor CosineHead::forward(const torch::Tensor& embeddings) {
  const auto similarities = similarity_ == Similarity::kCosine
                                ? nn::linear(normalize_rows(embeddings), normalize_rows(weight_))
                                : nn::linear(embeddings, weight_);
  if (subcenters_ == 1) return similarities;
  return std::get<0>(similarities.view({-1, classes_, subcenters_}).max(2));
}

}  // namespace cairn::loss
