// What all margin losses have in common: cosines and labels → logits, for all classes or a slice.
//
//   loss::CosineHead head(512, classes);
//   const loss::CosFace margin({.scale = 30, .margin = 0.3});
//   auto losses = loss::class_losses(margin.logits(head.forward(embeddings), labels), labels);
#pragma once

#include <torch/torch.h>

#include <optional>

namespace cairn::loss {

// Where training is between plain cosine softmax (small scale, factor 0) and the full margin.
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

class MarginHead {
 public:
  virtual ~MarginHead() = default;

  // Cosines N×C and the column of each row's class (int64, N) → logits N×C. A label below 0 says
  // that the class is not among these columns: where a head is split, each part gives the logits of
  // its own columns, and side by side they are those of the whole. Without a state: full scale and
  // margin.
  virtual torch::Tensor logits(const torch::Tensor& cosines, const torch::Tensor& labels,
                               std::optional<MarginState> state = std::nullopt) const = 0;
};

// CosFace (Wang, Wang et al. 2018), which is AM-softmax (Wang, Cheng et al. 2018):
// scale · (cos - margin) for the true class, scale · cos for the others. With a margin of 0, a
// plain cosine softmax.
class CosFace final : public MarginHead {
 public:
  struct Options {
    double scale = 30.0;
    double margin = 0.3;
  };
  // Throws Error for a scale that is not above 0 or a margin outside 0 … 2.
  explicit CosFace(const Options& options);
  torch::Tensor logits(const torch::Tensor& cosines, const torch::Tensor& labels,
                       std::optional<MarginState> state = std::nullopt) const override;

 private:
  Options options_;
};

// Circle loss with class centres (Sun et al. 2020), equation 6 as a softmax: scale · α (cos - Δ)
// with α = [1 + m - cos]₊, Δ = 1 - m for the true class and α = [cos + m]₊, Δ = m for the others. α
// weighs the gradient and takes none itself. It is steeper than the other heads: the paper has
// scale 256 and m 0.25.
class Circle final : public MarginHead {
 public:
  struct Options {
    double scale = 256.0;
    double margin = 0.25;
  };
  // Throws Error for a scale that is not above 0 or a margin outside 0 … 1.
  explicit Circle(const Options& options);
  torch::Tensor logits(const torch::Tensor& cosines, const torch::Tensor& labels,
                       std::optional<MarginState> state = std::nullopt) const override;

 private:
  Options options_;
};

// Products of a linear classifier as they are: no scale, no margin.
class PlainSoftmax final : public MarginHead {
 public:
  torch::Tensor logits(const torch::Tensor& products, const torch::Tensor& /*labels*/,
                       std::optional<MarginState> /*state*/ = std::nullopt) const override {
    return products;
  }
};

// `others` N×C with `own` N×1 in the column of each row's class. Rows whose label is below 0 stay.
torch::Tensor with_true_class(const torch::Tensor& others, const torch::Tensor& labels,
                              const torch::Tensor& own);

// The value in the column of each row's class, N×1; of no meaning where the label is below 0.
torch::Tensor of_true_class(const torch::Tensor& values, const torch::Tensor& labels);

struct ClassLossOptions {
  // Focal loss (Lin et al. 2017): the cross entropy times (1 - p)^gamma; 0: cross entropy.
  double focal_gamma = 0.0;
  // Label smoothing (Szegedy et al. 2016): the target is 1-ε+ε/classes for the true class and
  // ε/classes for the others.
  double smoothing = 0.0;
};

// Logits N×C over all classes, labels N from 0 → the loss of each row, N.
torch::Tensor class_losses(const torch::Tensor& logits, const torch::Tensor& labels,
                           const ClassLossOptions& options = {});

}  // namespace cairn::loss
