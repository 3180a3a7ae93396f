#include "cairn_train/run/objective.h"

#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/loss/distillation.h"
#include "cairn_train/run/classification.h"

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

class Both final : public Objective {
 public:
  Both(std::unique_ptr<Objective> head, std::unique_ptr<Objective> teacher)
      : head_(std::move(head)), teacher_(std::move(teacher)) {}

  torch::Tensor loss(const torch::Tensor& embeddings, const Shown& shown) override {
    return head_->loss(embeddings, shown) + teacher_->loss(embeddings, shown);
  }
  void imprint(const torch::Tensor& class_means) override { head_->imprint(class_means); }
  std::shared_ptr<torch::nn::Module> module() override { return head_->module(); }

 private:
  std::unique_ptr<Objective> head_;
  std::unique_ptr<Objective> teacher_;
};

}  // namespace

std::unique_ptr<Objective> make_objective(const Recipe& recipe, const data::TrainingSet& set,
                                          const TeacherTargets& targets) {
  std::unique_ptr<Objective> head;
  std::unique_ptr<Objective> teacher;
  if (recipe.head.type != "none") head = std::make_unique<Classification>(recipe, set);
  if (!recipe.distill.teacher.empty())
    teacher = std::make_unique<Distillation>(recipe.distill, targets);
  if (head && teacher) return std::make_unique<Both>(std::move(head), std::move(teacher));
  return head ? std::move(head) : std::move(teacher);
}

}  // namespace cairn::run
