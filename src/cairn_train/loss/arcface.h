// ArcFace (Deng et al. 2019): an angular margin m for the true class, cos(θ + m), times a scale.
//
//   const auto margins = loss::adaptive_margins(class_counts);
//   const loss::ArcFace arcface({.scale = 45}, margins);
//   const loss::MarginStart start;                 // a start that works from random weights
//   auto logits = arcface.logits(head.forward(embeddings), labels, start.at(progress, 45));
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cairn_train/loss/margin_head.h"

namespace cairn::loss {

struct ArcFaceOptions {
  double scale = 30.0;
  double margin = 0.3;  // radians, of every class without margins of its own
  // The margin only where the cosine is above 0; else only where θ + margin stays below π, and
  // beyond that the cosine minus sin(π - m)·m, so that it keeps falling.
  bool easy_margin = false;
  // Mixes the margin into all classes: target share 1-ε+ε/classes of cos(θ+m) for the true one,
  // ε/classes for the others. The cross entropy itself stays sharp.
  double label_smoothing = 0.0;
  // A fixed share for the others instead of ε/classes (the vt reference: ε 0.1, share 0.005).
  std::optional<double> smoothing_share = std::nullopt;
};

// A margin for each class by its number of photos: sqrt(1/sqrt(count)), stretched to low … high;
// rare classes get the wide ones. Where all counts are equal, the middle. Throws Error for a count
// below 1.
std::vector<double> adaptive_margins(std::span<const int64_t> class_counts, double low = 0.05,
                                     double high = 0.5);

// A weight for each class by its number of photos, 1 / log(1 + count), divided by their mean
// (Henkel, Singer 2020). Throws Error for a count below 1.
std::vector<double> log_class_weights(std::span<const int64_t> class_counts);

class ArcFace final : public MarginHead {
 public:
  // margins: one for each column, or empty (options.margin for all). Throws Error for a scale that
  // is not above 0, a margin outside 0 … π/2, or a smoothing outside 0 … 1.
  explicit ArcFace(const ArcFaceOptions& options, const std::vector<double>& margins = {});

  // Values and gradients are finite for cosines of exactly ±1 and beyond. A slice of a split head
  // that smooths needs smoothing_share, and cannot have margins of its own for each class: throws
  // Error.
  torch::Tensor logits(const torch::Tensor& cosines, const torch::Tensor& labels,
                       std::optional<MarginState> state = std::nullopt) const override;

 private:
  torch::Tensor with_margin(const torch::Tensor& cosines, const torch::Tensor& margins) const;

  ArcFaceOptions options_;
  torch::Tensor margins_;  // columns, float64; undefined where all are options.margin
};

}  // namespace cairn::loss
