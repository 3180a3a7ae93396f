// ArcFace (Deng et al. 2019): an angular margin m for the true class, cos(θ + m), times a scale.
//
//   loss::CosineHead head(512, classes, 3);
//   const auto margins = loss::adaptive_margins(class_counts);
//   loss::ArcFace arcface({.scale = 45}, margins);
//   loss::MarginStart start;                       // a start that works from random weights
//   auto loss = arcface.loss(head.forward(embeddings), labels, start.at(progress, 45));
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

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
  // Focal loss (Lin et al. 2017): the cross entropy times (1 - p)^gamma; 0: cross entropy.
  double focal_gamma = 0.0;
};

// Where training is between plain cosine softmax (small scale, factor 0) and full ArcFace.
struct MarginState {
  double scale = 30.0;
  double margin_factor = 1.0;  // the margins are multiplied by it
};

// Scale and margin that grow with training. From random weights ArcFace's gradients cancel out, and
// the loss stays where it is; a cosine softmax at a small scale does learn, and what it learned
// survives a slowly growing margin.
struct MarginStart {
  double start_scale = 10.0;
  double ramp_begin = 0.1;  // progress at which scale and margin begin to grow
  double ramp_end = 0.6;    // progress at which they are complete
  // progress: 0 … 1, of the whole training. The scale grows geometrically, the margin linearly.
  MarginState at(double progress, double full_scale) const;
};

// A margin for each class by its number of photos: sqrt(1/sqrt(count)), stretched to low … high;
// rare classes get the wide ones. Where all counts are equal, the middle. Throws Error for a count
// below 1.
std::vector<double> adaptive_margins(std::span<const int64_t> class_counts, double low = 0.05,
                                     double high = 0.5);

// A weight for each class by its number of photos, 1 / log(1 + count), divided by their mean
// (Henkel, Singer 2020). Throws Error for a count below 1.
std::vector<double> log_class_weights(std::span<const int64_t> class_counts);

class ArcFace {
 public:
  // margins: one for each class, or empty (options.margin for all). Throws Error for a scale that
  // is not above 0, a margin outside 0 … π/2, or a smoothing outside 0 … 1.
  explicit ArcFace(const ArcFaceOptions& options, const std::vector<double>& margins = {});

  // Cosines N×classes, labels N (int64) → logits N×classes. Without a state: full scale and margin.
  // Values and gradients are finite for cosines of exactly ±1 and beyond.
  torch::Tensor logits(const torch::Tensor& cosines, const torch::Tensor& labels,
                       std::optional<MarginState> state = std::nullopt) const;
  // The cross entropy (or focal loss) of each row, N.
  torch::Tensor losses(const torch::Tensor& cosines, const torch::Tensor& labels,
                       std::optional<MarginState> state = std::nullopt) const;
  // Their mean.
  torch::Tensor loss(const torch::Tensor& cosines, const torch::Tensor& labels,
                     std::optional<MarginState> state = std::nullopt) const;
  const ArcFaceOptions& options() const { return options_; }

 private:
  torch::Tensor with_margin(const torch::Tensor& cosines, const torch::Tensor& margins) const;

  ArcFaceOptions options_;
  torch::Tensor margins_;  // classes, float64; undefined where all are options.margin
};

}  // namespace cairn::loss
