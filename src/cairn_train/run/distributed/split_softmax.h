// The softmax of a classifier whose classes are split over the ranks, exactly.
#pragma once

#include <torch/torch.h>

#include "cairn_train/loss/margin_head.h"
#include "cairn_train/run/distributed/ranks.h"

namespace cairn::run {

// The class of each row among the slice's columns: labels N of all classes → 0 … slice.size() - 1,
// or -1 where the class is another rank's.
torch::Tensor labels_in(const Slice& slice, const torch::Tensor& labels);

// The two below take logits N×C of this rank's classes, for the same N rows on every rank, and give
// the same N numbers on every rank. Gradients are those of the sum of the ranks' shares, as in
// autograd.h.

// log Σ exp over the columns of all ranks.
torch::Tensor log_sum_exp(const torch::Tensor& logits, const Ranks& ranks);

// loss::class_losses() over the `classes` of all ranks. labels: from labels_in().
torch::Tensor split_class_losses(const torch::Tensor& logits, const torch::Tensor& labels,
                                 int64_t classes, const Ranks& ranks,
                                 const loss::ClassLossOptions& options = {});

}  // namespace cairn::run
