// Pooling inside networks, and from feature maps N×C×H×W to vectors N×C.
#pragma once

#include <string>

#include "cairn_train/nn/module.h"

namespace cairn::nn {

// Maximum over 3×3 windows at stride 2, padding 1.
class MaxPool3x3 : public Module {
 public:
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;
};

struct AvgPoolOptions {
  int64_t kernel = 2;
  int64_t stride = 2;
  int64_t padding = 0;  // zeros on every side, which count
  bool ceil = false;    // an odd last row or column makes windows of what there is, else is dropped
};

// Mean over square windows.
class AvgPool : public Module {
 public:
  explicit AvgPool(const AvgPoolOptions& options) : options_(options) {}
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;

 private:
  AvgPoolOptions options_;
};

// The mean of each channel: N×C×H×W → N×C.
class GlobalAvgPool : public Module {
 public:
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;
};

// The mean plus the maximum of each channel: N×C×H×W → N×C.
class AvgMaxPool : public Module {
 public:
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;
};

// Generalised mean (Radenović et al. 2018): mean(max(x, 1e-6)^p)^(1/p) of each channel,
// N×C×H×W → N×C. p is the parameter "p" (shape 1) where it is trainable, else a constant without
// a key.
class GemPool : public Module {
 public:
  GemPool(double p, bool trainable);
  torch::Tensor forward(const torch::Tensor& x) override;
  std::string emit(OnnxWriter& graph, const std::string& input) const override;

 private:
  double fixed_p_;
  torch::Tensor p_;  // undefined where p is fixed
};

}  // namespace cairn::nn
