// Metric losses beside or instead of a classifier: triplet and centre loss.
#pragma once

#include <memory>
#include <vector>

#include "cairn_train/loss/center.h"
#include "cairn_train/run/objective.h"

namespace cairn::run {

// What the centres' keys begin with in module().
inline constexpr const char* kCenterPrefix = "center.";

// Counts in training alone. Photos without a landmark and mixed batches are left out.
class Metric final : public Objective {
 public:
  Metric(const Recipe& recipe, const data::TrainingSet& set);

  torch::Tensor loss(const torch::Tensor& embeddings, const Shown& shown) override;
  // The centres; null without a centre loss.
  std::shared_ptr<torch::nn::Module> module() override { return center_; }

 private:
  torch::Tensor triplets(const torch::Tensor& features, const torch::Tensor& labels);

  const TripletOptions triplet_options_;
  const CenterOptions center_options_;
  std::vector<int64_t> classes_;  // by sample; below 0: none
  std::shared_ptr<loss::CenterLoss> center_;
  int barren_ = 0;  // batches without a triplet so far; -1 once there was one
};

}  // namespace cairn::run
