// The classifier behind every margin loss: similarities of embeddings to class centres.
#pragma once

#include <torch/torch.h>

#include "cairn/base/slice.h"

namespace cairn::loss {

// Rows divided by their length: N×D → N×D. Rows shorter than 1e-6 are divided by 1e-6, so that no
// gradient becomes NaN.
torch::Tensor normalize_rows(const torch::Tensor& x);

enum class Similarity {
  kCosine,
  kProduct,  // neither side normalised: a linear classifier without bias
};

// One or more centres a class (sub-centre ArcFace, Deng et al. 2020). The key is "weight", of shape
// (classes·subcenters)×D, class-major: row c·subcenters + j is sub-centre j of class c. Register it
// as "head" ("vt" keys) or "classifier" ("wz" keys).
class CosineHead : public torch::nn::Module {
 public:
  // Centres start uniform (Glorot, Bengio 2010), from torch's default generator. Throws Error for
  // sizes below 1.
  CosineHead(int64_t embedding_dim, int64_t classes, int64_t subcenters = 1,
             Similarity similarity = Similarity::kCosine);
  // The rows of some of its classes, with the same numbers.
  CosineHead(int64_t embedding_dim, int64_t classes, int64_t subcenters, Similarity similarity,
             const Slice& own);
  // Embeddings N×D of any length → similarities N×classes, the largest of each class's sub-centres.
  torch::Tensor forward(const torch::Tensor& embeddings);
  int64_t classes() const { return classes_; }
  torch::Tensor& weight() { return weight_; }  // the centres

 private:
  int64_t classes_;
  int64_t subcenters_;
  Similarity similarity_;
  torch::Tensor weight_;
};

}  // namespace cairn::loss
