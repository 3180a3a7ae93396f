// Operations over the ranks of a job that gradients pass through. What every rank computes from
// them is its share of a loss: the loss is the sum of the shares, and gradients are of that sum.
#pragma once

#include <torch/torch.h>

#include "cairn_train/run/distributed/ranks.h"

namespace cairn::run {

// Rows n×D of every rank → all rows N×D on every rank, rank 0's first. The numbers of rows may
// differ. The gradient of a row is the sum of what all ranks' shares say.
torch::Tensor gather_rows(const torch::Tensor& rows, const Ranks& ranks);

// The sum over the ranks, on every rank.
torch::Tensor sum_over_ranks(const torch::Tensor& x, const Ranks& ranks);

}  // namespace cairn::run
