// A batch that is spread over the ranks, as the loss and the batch norms see it: whole.
#pragma once

#include <memory>

#include "cairn_train/nn/shared_batch.h"
#include "cairn_train/run/distributed/ranks.h"
#include "cairn_train/run/objective.h"

namespace cairn::run {

// Gathers the embeddings and samples of all ranks, so that the objective inside sees the whole
// batch, and gives this rank's share of its loss: the sum of the shares, and the gradients of that
// sum, are those of one process with the same batch. Returns the objective as it is where there is
// one process.
std::unique_ptr<Objective> across_ranks(std::unique_ptr<Objective> objective, const Ranks& ranks);

// For synchronised batch norms.
class RanksBatch final : public nn::SharedBatch {
 public:
  explicit RanksBatch(const Ranks& ranks) : ranks_(ranks) {}
  torch::Tensor gather(const torch::Tensor& numbers) const override;

 private:
  const Ranks& ranks_;
};

// Throws Error on every rank unless `text` (recipe, data: what it is) is the same on all.
void require_agreement(const Ranks& ranks, const std::string& what, const std::string& text);

}  // namespace cairn::run
