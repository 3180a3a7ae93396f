// Triplet loss with the hardest pairs of the batch (Hermans, Beyer, Leibe 2017).
#pragma once

#include <torch/torch.h>

namespace cairn::loss {

struct TripletOptions {
  double margin = 0.3;     // 0: the soft margin, log(1 + exp(positive - negative))
  double hard_factor = 0;  // positives count as this share farther, negatives as nearer
  bool normalise = true;   // features to length 1 first
};

// Of each row the distance to the farthest row of its label and to the nearest of another label.
struct HardPairs {
  torch::Tensor positive;  // N
  torch::Tensor negative;  // N
  torch::Tensor usable;    // N, bool: there is another row of the label, and one of another label
};

// Euclidean distances. features: N×D, labels: N (int64).
HardPairs hardest_pairs(const torch::Tensor& features, const torch::Tensor& labels);

struct TripletLoss {
  torch::Tensor loss;  // a scalar
  int64_t used = 0;    // rows that it is the mean of
};

// The mean of max(0, positive - negative + margin), or of its soft form, over the usable rows; 0
// where there is none. Throws Error for a margin below 0 or a hard factor outside 0 … 1.
TripletLoss triplet_loss(const torch::Tensor& features, const torch::Tensor& labels,
                         const TripletOptions& options = {});

}  // namespace cairn::loss
