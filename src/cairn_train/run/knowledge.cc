#include "cairn_train/run/knowledge.h"

#include <fmt/format.h>

#include <charconv>

#include "cairn/base/error.h"
#include "cairn_train/nn/weights.h"
#include "cairn_train/run/forward.h"
#include "cairn_train/run/heads.h"
#include "cairn_train/run/metric.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

std::map<int64_t, int64_t> classes_of(const std::string& labels, const std::string& where) {
  std::map<int64_t, int64_t> classes;
  const char* at = labels.data();
  const char* const end = at + labels.size();
  while (at != end) {
    int64_t landmark = 0;
    const auto [stop, failed] = std::from_chars(at, end, landmark);
    const bool next = stop != end && *stop == ',';
    const bool last_or_next = stop == end || (next && stop + 1 != end);
    if (failed != std::errc() || !last_or_next ||
        !classes.emplace(landmark, static_cast<int64_t>(classes.size())).second)
      throw Error(fmt::format("{}: its cairn.labels is no list of landmark ids", where));
    at = next ? stop + 1 : stop;
  }
  return classes;
}

Teacher::Teacher(const std::string& weights, const std::vector<int64_t>& landmarks) {
  nn::Safetensors saved = nn::load_safetensors(weights);
  if (!saved.metadata.contains("cairn.recipe") || !saved.metadata.contains("cairn.labels"))
    throw Error(weights +
                ": has no classifier to learn from; give the weights.safetensors of a run "
                "with a head");
  const Recipe recipe = parse_recipe(saved.metadata.at("cairn.recipe"), weights);
  const std::map<int64_t, int64_t> classes = classes_of(saved.metadata.at("cairn.labels"), weights);
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
  const auto count = static_cast<int64_t>(classes.size());
  head_ = make_classifier(recipe.head, recipe.model.embedding_dim, count, {0, count});
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
