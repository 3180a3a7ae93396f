#include "cairn_train/run/objective.h"

#include <algorithm>

#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/loss/distillation.h"
#include "cairn_train/run/classification.h"
#include "cairn_train/run/distributed/across_ranks.h"
#include "cairn_train/run/metric.h"

namespace cairn::run {
namespace {

class Distillation final : public Objective {
 public:
  Distillation(const DistillOptions& options, TeacherTargets targets)
      : options_(options), targets_(std::move(targets)) {}

  // Mixed photos are to say the mixture of what their photos say.
  torch::Tensor loss(const torch::Tensor& embeddings, const Shown& shown) override {
    const auto usable = [&](size_t row) {
      return targets_.usable[shown.samples[row]] &&
             (!shown.mixed || targets_.usable[shown.samples[shown.mixed->partner[row]]]);
    };
    std::vector<int64_t> kept;
    std::vector<int64_t> own;
    std::vector<int64_t> partner;
    for (size_t row = 0; row < shown.samples.size(); ++row) {
      if (!usable(row)) continue;
      kept.push_back(static_cast<int64_t>(row));
      own.push_back(static_cast<int64_t>(shown.samples[row]));
      if (shown.mixed)
        partner.push_back(static_cast<int64_t>(shown.samples[shown.mixed->partner[row]]));
    }
    if (kept.empty()) return embeddings.sum() * 0;
    torch::Tensor wanted = rows(own);
    if (shown.mixed)
      wanted = shown.mixed->lambda * wanted + (1 - shown.mixed->lambda) * rows(partner);
    const loss::DistillationOptions loss_options{options_.contrast_weight, options_.temperature};
    const torch::Tensor index = torch::tensor(kept, torch::kLong).to(embeddings.device());
    return options_.weight * loss::distillation_loss(embeddings.index_select(0, index),
                                                     wanted.to(embeddings.device()), loss_options)
                                 .total;
  }

 private:
  torch::Tensor rows(const std::vector<int64_t>& samples) const {
    return targets_.rows.index_select(0, torch::tensor(samples, torch::kLong));
  }

  const DistillOptions options_;
  const TeacherTargets targets_;
};

class Sum final : public Objective {
 public:
  // module: what of the parts is trained.
  Sum(std::vector<std::unique_ptr<Objective>> parts, std::shared_ptr<torch::nn::Module> module)
      : parts_(std::move(parts)), module_(std::move(module)) {}

  torch::Tensor loss(const torch::Tensor& embeddings, const Shown& shown) override {
    torch::Tensor sum = parts_[0]->loss(embeddings, shown);
    for (size_t i = 1; i < parts_.size(); ++i) sum = sum + parts_[i]->loss(embeddings, shown);
    return sum;
  }
  void imprint(const torch::Tensor& class_means) override {
    for (const auto& part : parts_) part->imprint(class_means);
  }
  std::shared_ptr<torch::nn::Module> module() override { return module_; }
  bool is_split(const std::string& key) const override {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&](const auto& part) { return part->is_split(key); });
  }

 private:
  std::vector<std::unique_ptr<Objective>> parts_;
  std::shared_ptr<torch::nn::Module> module_;
};

// Both under one root: the head's keys as they are, the centres' after kCenterPrefix.
std::shared_ptr<torch::nn::Module> joined(std::shared_ptr<torch::nn::Module> head,
                                          const std::shared_ptr<torch::nn::Module>& centers) {
  if (!centers) return head;
  if (!head) head = std::make_shared<torch::nn::Module>();
  const std::string_view prefix = kCenterPrefix;
  head->register_module(std::string(prefix.substr(0, prefix.size() - 1)), centers);
  return head;
}

}  // namespace

std::unique_ptr<Objective> make_objective(const Recipe& recipe, const data::TrainingSet& set,
                                          const TeacherTargets& targets, const Ranks& ranks) {
  std::vector<std::unique_ptr<Objective>> parts;
  std::shared_ptr<torch::nn::Module> trained;
  if (recipe.head.type != "none") {
    parts.push_back(std::make_unique<Classification>(recipe, set, ranks));
    trained = parts.back()->module();
  }
  if (recipe.has_metric()) {
    parts.push_back(std::make_unique<Metric>(recipe, set));
    trained = joined(trained, parts.back()->module());
  }
  if (!recipe.distill.teacher.empty())
    parts.push_back(std::make_unique<Distillation>(recipe.distill, targets));
  if (parts.size() == 1 && parts[0]->module() == trained)
    return across_ranks(std::move(parts[0]), ranks);
  return across_ranks(std::make_unique<Sum>(std::move(parts), trained), ranks);
}

}  // namespace cairn::run
