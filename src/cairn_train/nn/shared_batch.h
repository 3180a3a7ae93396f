// Batch norms whose batch is spread over several processes (synchronised batch normalisation).
#pragma once

#include <torch/torch.h>

#include <vector>

namespace cairn::nn {

// The processes that share a batch.
class SharedBatch {
 public:
  virtual ~SharedBatch() = default;
  // The numbers (float64 on the CPU, K) of every process → processes × K, the same on each.
  // Collective.
  virtual torch::Tensor gather(const torch::Tensor& numbers) const = 0;
};

// Mean and sum of squared distances from it, a channel, over `count` values.
struct Spread {
  double count = 0;
  std::vector<double> means, squares;
};

// The same over the values of all processes, joined in their order (Chan, Golub, LeVeque 1979).
Spread join(const Spread& own, const SharedBatch& batch);

struct NormState;

// torch::batch_norm(x, …, training) over the values of all processes, x N×C×…, on any device and in
// any floating type. N may differ between them.
torch::Tensor shared_batch_norm(const torch::Tensor& x, const NormState& state);

}  // namespace cairn::nn
