#include "cairn_train/loss/arcface.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cairn/base/error.h"

namespace cairn::loss {
namespace {

constexpr double kPi = std::numbers::pi;
// 1 - cos² below this counts as this: the root's gradient stays finite. It is met at angles below
// 0.06° only.
constexpr double kSquaredSineFloor = 1e-6;

void check_margin(double margin) {
  if (!(margin >= 0 && margin <= kPi / 2)) {
    throw Error(fmt::format("margin: {} is not within 0 and π/2 radians", margin));
  }
}

}  // namespace

std::vector<double> adaptive_margins(std::span<const int64_t> class_counts, double low,
                                     double high) {
  check_margin(low);
  check_margin(high);
  std::vector<double> margins;
  margins.reserve(class_counts.size());
  for (const int64_t count : class_counts) {
    if (count < 1) throw Error(fmt::format("class {} has no photos", margins.size()));
    margins.push_back(std::sqrt(1.0 / std::sqrt(static_cast<double>(count))));
  }
  if (margins.empty()) return margins;
  const auto [least, most] = std::minmax_element(margins.begin(), margins.end());
  const double base = *least;
  const double range = *most - base;
  for (double& m : margins) {
    m = low + (high - low) * (range > 0 ? (m - base) / range : 0.5);
  }
  return margins;
}

std::vector<double> log_class_weights(std::span<const int64_t> class_counts) {
  std::vector<double> weights;
  double sum = 0;
  for (const int64_t count : class_counts) {
    if (count < 1) throw Error(fmt::format("class {} has no photos", weights.size()));
    weights.push_back(1 / std::log1p(static_cast<double>(count)));
    sum += weights.back();
  }
  for (double& weight : weights) weight *= static_cast<double>(weights.size()) / sum;
  return weights;
}

ArcFace::ArcFace(const ArcFaceOptions& options, const std::vector<double>& margins)
    : options_(options) {
  if (!(options.scale > 0)) throw Error(fmt::format("scale: {} is not above 0", options.scale));
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1)) {
    throw Error(fmt::format("label_smoothing: {} is not within 0 and 1", options.label_smoothing));
  }
  check_margin(options.margin);
  for (const double margin : margins) check_margin(margin);
  if (!margins.empty()) margins_ = torch::tensor(margins, torch::TensorOptions(torch::kFloat64));
}

// cos(θ + m) and what stands for it outside its range. margins broadcasts against cosines.
torch::Tensor ArcFace::with_margin(const torch::Tensor& cosines,
                                   const torch::Tensor& margins) const {
  const auto type = cosines.scalar_type();
  const auto sines = (1 - cosines * cosines).clamp_min(kSquaredSineFloor).sqrt();
  const auto phi = cosines * margins.cos().to(type) - sines * margins.sin().to(type);
  if (options_.easy_margin) return torch::where(cosines > 0, phi, cosines);
  const auto threshold = (kPi - margins).cos().to(type);
  const auto step = ((kPi - margins).sin() * margins).to(type);
  return torch::where(cosines > threshold, phi, cosines - step);
}

torch::Tensor ArcFace::logits(const torch::Tensor& cosines, const torch::Tensor& labels,
                              std::optional<MarginState> state) const {
  const MarginState now = state.value_or(MarginState{options_.scale, 1.0});
  if (margins_.defined() && margins_.size(0) != cosines.size(1)) {
    throw Error(fmt::format("{} margins for {} classes", margins_.size(0), cosines.size(1)));
  }
  auto margins =
      margins_.defined()
          ? margins_.to(cosines.device()).index_select(0, labels.clamp_min(0)).unsqueeze(1)
          : torch::full({1, 1}, options_.margin, cosines.options().dtype(torch::kFloat64));
  margins = margins * now.margin_factor;
  if (options_.label_smoothing > 0) {
    if (margins_.defined() && (labels < 0).any().item<bool>())
      throw Error("label smoothing with a margin for each class needs all classes in one place");
    const double share = options_.smoothing_share.value_or(options_.label_smoothing /
                                                           static_cast<double>(cosines.size(1)));
    const auto weights =
        with_true_class(torch::full_like(cosines, share), labels,
                        torch::full({}, 1.0 - options_.label_smoothing + share, cosines.options()));
    return (weights * with_margin(cosines, margins) + (1 - weights) * cosines) * now.scale;
  }
  // Only the true class's column changes: no N×classes intermediates.
  const auto target = with_margin(of_true_class(cosines, labels), margins);
  return with_true_class(cosines, labels, target) * now.scale;
}

}  // namespace cairn::loss
