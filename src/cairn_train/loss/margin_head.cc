#include "cairn_train/loss/margin_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"

namespace cairn::loss {
namespace {

void check(double scale, double margin, double most) {
  if (!(scale > 0)) throw Error(fmt::format("scale: {} is not above 0", scale));
  if (!(margin >= 0 && margin <= most))
    throw Error(fmt::format("margin: {} is not within 0 and {}", margin, most));
}

}  // namespace

MarginState MarginStart::at(double progress, double full_scale) const {
  const double t = ramp_end > ramp_begin
                       ? std::clamp((progress - ramp_begin) / (ramp_end - ramp_begin), 0.0, 1.0)
                       : (progress < ramp_begin ? 0.0 : 1.0);
  const double from = std::min(start_scale, full_scale);
  return {.scale = t >= 1.0 ? full_scale : from * std::pow(full_scale / from, t),
          .margin_factor = t};
}

torch::Tensor of_true_class(const torch::Tensor& values, const torch::Tensor& labels) {
  return values.gather(1, labels.clamp_min(0).unsqueeze(1));
}

torch::Tensor with_true_class(const torch::Tensor& others, const torch::Tensor& labels,
                              const torch::Tensor& own) {
  const torch::Tensor column = labels.clamp_min(0).unsqueeze(1);
  const torch::Tensor kept = others.gather(1, column);
  return others.scatter(1, column, torch::where((labels >= 0).unsqueeze(1), own, kept));
}

CosFace::CosFace(const Options& options) : options_(options) {
  check(options.scale, options.margin, 2);
}

torch::Tensor CosFace::logits(const torch::Tensor& cosines, const torch::Tensor& labels,
                              std::optional<MarginState> state) const {
  const MarginState now = state.value_or(MarginState{options_.scale, 1.0});
  const double margin = options_.margin * now.margin_factor;
  return with_true_class(cosines, labels, of_true_class(cosines, labels) - margin) * now.scale;
}

Circle::Circle(const Options& options) : options_(options) {
  check(options.scale, options.margin, 1);
}

torch::Tensor Circle::logits(const torch::Tensor& cosines, const torch::Tensor& labels,
                             std::optional<MarginState> state) const {
  const MarginState now = state.value_or(MarginState{options_.scale, 1.0});
  const double margin = options_.margin * now.margin_factor;
  const torch::Tensor true_cosines = of_true_class(cosines, labels);
  const torch::Tensor own =
      (1 + margin - true_cosines.detach()).clamp_min(0) * (true_cosines - (1 - margin));
  const torch::Tensor others = (cosines.detach() + margin).clamp_min(0) * (cosines - margin);
  return with_true_class(others, labels, own) * now.scale;
}

torch::Tensor class_losses(const torch::Tensor& logits, const torch::Tensor& labels,
                           const ClassLossOptions& options) {
  const auto entropy =
      torch::nn::functional::cross_entropy(logits, labels,
                                           torch::nn::functional::CrossEntropyFuncOptions()
                                               .reduction(torch::kNone)
                                               .label_smoothing(options.smoothing));
  if (options.focal_gamma == 0) return entropy;
  return (1 - (-entropy).exp()).pow(options.focal_gamma) * entropy;
}

}  // namespace cairn::loss
