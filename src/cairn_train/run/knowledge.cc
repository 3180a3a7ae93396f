#include "cairn_train/run/knowledge.h"

#include <fmt/format.h>

#include <map>

#include "cairn/base/error.h"
#include "cairn_train/nn/weights.h"
#include "cairn_train/run/forward.h"
#include "cairn_train/run/heads.h"
#include "cairn_train/run/metric.h"
#include "cairn_train/run/outputs.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

Teacher::Teacher(const std::string& weights, const std::vector<int64_t>& landmarks) {
  nn::Safetensors saved = nn::load_safetensors(weights);
  if (!saved.metadata.contains("cairn.recipe") || !saved.metadata.contains(kLabelsKey))
    throw Error(weights +
                ": has no classifier to learn from; give the weights.safetensors of a run "
                "with a head");
  const Recipe recipe = parse_recipe(saved.metadata.at("cairn.recipe"), weights);
  const std::map<int64_t, int64_t> classes = classes_of(saved.metadata.at(kLabelsKey), weights);
  std::vector<int64_t> columns;
  for (const int64_t landmark : landmarks) {
    const auto found = classes.find(landmark);
    if (found == classes.end())
      throw Error(fmt::format("{}: the teacher never saw landmark {}", weights, landmark));
    columns.push_back(found->second);
  }
  columns_ = torch::tensor(columns, torch::kLong);
  scale_ = full_scale(recipe.head);
  net_ = std::make_shared<nn::EmbeddingNet>(recipe.model);
  head_ = make_classifier(recipe.head, recipe.model.embedding_dim,
                          static_cast<int64_t>(classes.size()));
  nn::NamedTensors of_head;
  std::erase_if(saved.tensors, [&](const auto& entry) {
    if (!entry.first.starts_with(nn::kHeadPrefix)) return false;
    const std::string name = entry.first.substr(std::string(nn::kHeadPrefix).size());
    if (!name.starts_with(kCenterPrefix)) of_head.emplace_back(name, entry.second);
    return true;
  });
  nn::LoadReport report = nn::load_state(*net_, saved.tensors, nn::Strictness::kLenient);
  std::erase_if(report.missing, nn::is_unused_key);
  if (!report.complete()) throw Error(weights + ": " + report.summary());
  nn::load_state(*head_, of_head, nn::Strictness::kStrict);
  net_->eval();
  keep_channels_last(*net_);
}

torch::Tensor Teacher::answers(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  if (columns_.device() != images.device()) {
    net_->to(images.device());
    head_->to(images.device());
    columns_ = columns_.to(images.device());
  }
  const torch::Tensor cosines = head_->forward(forward(*net_, images, "f32"));
  return cosines.index_select(1, columns_) * scale_;
}

}  // namespace cairn::run
