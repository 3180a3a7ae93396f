#include "cairn_train/run/distributed/split_softmax.h"

#include "cairn_train/run/distributed/autograd.h"

namespace cairn::run {
namespace {

struct SharedMaximum {
  torch::Tensor values;   // N, over all ranks, without a gradient
  torch::Tensor shifted;  // N×C: the logits minus it
};

SharedMaximum below_maximum(const torch::Tensor& logits, const Ranks& ranks) {
  torch::Tensor largest = std::get<0>(logits.detach().max(1));
  ranks.max(largest);
  return {largest, logits - largest.unsqueeze(1)};
}

}  // namespace

torch::Tensor labels_in(const Slice& slice, const torch::Tensor& labels) {
  const torch::Tensor own = (labels >= slice.begin).logical_and(labels < slice.end);
  return torch::where(own, labels - slice.begin, torch::full_like(labels, -1));
}

torch::Tensor log_sum_exp(const torch::Tensor& logits, const Ranks& ranks) {
  const auto [largest, shifted] = below_maximum(logits, ranks);
  return largest + sum_over_ranks(shifted.exp().sum(1), ranks).log();
}

torch::Tensor split_class_losses(const torch::Tensor& logits, const torch::Tensor& labels,
                                 int64_t classes, const Ranks& ranks,
                                 const loss::ClassLossOptions& options) {
  const torch::Tensor shifted = below_maximum(logits, ranks).shifted;
  const torch::Tensor own = (labels >= 0).to(logits.scalar_type());
  const torch::Tensor target = shifted.gather(1, labels.clamp_min(0).unsqueeze(1)).squeeze(1) * own;
  std::vector<torch::Tensor> sums{shifted.exp().sum(1), target};
  if (options.smoothing > 0) sums.push_back(shifted.sum(1));
  const torch::Tensor whole = sum_over_ranks(torch::stack(sums), ranks);
  torch::Tensor wanted = whole[1];
  if (options.smoothing > 0)
    wanted = (1 - options.smoothing) * whole[1] +
             options.smoothing / static_cast<double>(classes) * whole[2];
  const torch::Tensor entropy = whole[0].log() - wanted;
  if (options.focal_gamma == 0) return entropy;
  return (1 - (-entropy).exp()).pow(options.focal_gamma) * entropy;
}

}  // namespace cairn::run
