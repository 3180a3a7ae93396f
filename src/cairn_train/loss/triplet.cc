#include "cairn_train/loss/triplet.h"

#include <fmt/format.h>

#include <limits>

#include "cairn/base/error.h"
#include "cairn_train/loss/cosine_head.h"

namespace cairn::loss {
namespace {

// N×N, not below 1e-6, where the root still has a gradient.
torch::Tensor distances(const torch::Tensor& features) {
  constexpr double kLeastSquare = 1e-12;
  const torch::Tensor squares = features.square().sum(1, /*keepdim=*/true);
  const torch::Tensor squared = squares + squares.t() - 2 * features.matmul(features.t());
  return squared.clamp_min(kLeastSquare).sqrt();
}

}  // namespace

HardPairs hardest_pairs(const torch::Tensor& features, const torch::Tensor& labels) {
  constexpr double kNever = std::numeric_limits<float>::infinity();
  const torch::Tensor apart = distances(features);
  const torch::Tensor same = labels.unsqueeze(0) == labels.unsqueeze(1);
  const torch::Tensor itself = torch::eye(labels.size(0), same.options());
  HardPairs pairs;
  pairs.positive = std::get<0>(apart.masked_fill(~same | itself, -kNever).max(1));
  pairs.negative = std::get<0>(apart.masked_fill(same, kNever).min(1));
  pairs.usable = pairs.positive.isfinite() & pairs.negative.isfinite();
  return pairs;
}

TripletLoss triplet_loss(const torch::Tensor& features, const torch::Tensor& labels,
                         const TripletOptions& options) {
  if (!(options.margin >= 0)) throw Error(fmt::format("margin: {} is below 0", options.margin));
  if (!(options.hard_factor >= 0 && options.hard_factor <= 1))
    throw Error(fmt::format("hard_factor: {} is not within 0 and 1", options.hard_factor));
  const HardPairs pairs =
      hardest_pairs(options.normalise ? normalize_rows(features) : features, labels);
  const auto used = pairs.usable.sum().item<int64_t>();
  if (used == 0) return {features.sum() * 0, 0};
  const torch::Tensor positive =
      pairs.positive.masked_select(pairs.usable) * (1 + options.hard_factor);
  const torch::Tensor negative =
      pairs.negative.masked_select(pairs.usable) * (1 - options.hard_factor);
  const torch::Tensor excess = positive - negative;
  const torch::Tensor losses =
      options.margin > 0 ? (excess + options.margin).clamp_min(0) : torch::softplus(excess);
  return {losses.mean(), used};
}

}  // namespace cairn::loss
