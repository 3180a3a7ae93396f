#include "cairn_train/run/metric.h"

#include <fmt/format.h>

#include "cairn/base/log.h"
#include "cairn_train/loss/triplet.h"

namespace cairn::run {

Metric::Metric(const Recipe& recipe, const data::TrainingSet& set)
    : triplet_options_(recipe.triplet), center_options_(recipe.center) {
  for (const data::Sample& sample : set.samples) classes_.push_back(sample.class_index);
  if (center_options_.weight > 0)
    center_ = std::make_shared<loss::CenterLoss>(static_cast<int64_t>(set.landmark_of_class.size()),
                                                 recipe.model.embedding_dim);
}

torch::Tensor Metric::loss(const torch::Tensor& embeddings, const Shown& shown) {
  std::vector<int64_t> rows;
  std::vector<int64_t> labels;
  for (size_t row = 0; row < shown.samples.size(); ++row) {
    const int64_t label = classes_[shown.samples[row]];
    if (label < 0) continue;
    rows.push_back(static_cast<int64_t>(row));
    labels.push_back(label);
  }
  torch::Tensor sum = embeddings.sum() * 0;
  if (!shown.features.defined() || shown.mixed || rows.empty()) return sum;
  const auto on_device = [&](const std::vector<int64_t>& values) {
    return torch::tensor(values, torch::kLong).to(embeddings.device());
  };
  const torch::Tensor truth = on_device(labels);
  const auto chosen = [&](const std::string& name) {
    const torch::Tensor& all = name == "embedding" ? embeddings : shown.features;
    return all.index_select(0, on_device(rows));
  };
  if (triplet_options_.weight > 0)
    sum = sum + triplet_options_.weight * triplets(chosen(triplet_options_.features), truth);
  if (center_)
    sum = sum + center_->loss(chosen(center_options_.features), truth, center_options_.weight);
  return sum;
}

torch::Tensor Metric::triplets(const torch::Tensor& features, const torch::Tensor& labels) {
  constexpr int kPatience = 20;
  const auto [loss, used] = loss::triplet_loss(
      features, labels,
      {triplet_options_.margin, triplet_options_.hard_factor, triplet_options_.normalise});
  if (used > 0) barren_ = -1;
  if (barren_ >= 0 && ++barren_ == kPatience)
    log_warning(fmt::format(
        "triplet: none of {} batches had two photos of a landmark and one of another, so there was "
        "nothing to compare; use a sampler that draws several photos of each landmark, or a larger "
        "batch",
        kPatience));
  return loss;
}

}  // namespace cairn::run
