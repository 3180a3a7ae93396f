#include "cairn_train/run/objective.h"

#include "cairn_train/loss/arcface.h"
#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/loss/distillation.h"
#include "cairn_train/loss/rejection.h"

namespace cairn::run {
namespace {

// The positions 0 … N-1 of the samples that `known` accepts, as an index.
template <typename Known>
torch::Tensor positions(const std::vector<size_t>& samples, Known known) {
  std::vector<int64_t> kept;
  for (size_t i = 0; i < samples.size(); ++i)
    if (known(samples[i])) kept.push_back(static_cast<int64_t>(i));
  return torch::tensor(kept, torch::kLong);
}

class Classification final : public Objective {
 public:
  Classification(const Recipe& recipe, const data::TrainingSet& set)
      : options_(recipe.head),
        head_(std::make_shared<loss::CosineHead>(
            recipe.model.embedding_dim, static_cast<int64_t>(set.landmark_of_class.size()),
            recipe.head.type == "subcenter" ? recipe.head.centers : 1)),
        arcface_({.scale = recipe.head.scale, .margin = recipe.head.margin},
                 recipe.head.adaptive
                     ? loss::adaptive_margins(set.photos_of_class, recipe.head.margin_min,
                                              recipe.head.margin_max)
                     : std::vector<double>()) {
    for (const data::Sample& sample : set.samples) classes_.push_back(sample.class_index);
    for (const size_t i : set.nonlandmark) classes_[i] = kNonlandmark;
  }

  torch::Tensor loss(const torch::Tensor& embeddings, const std::vector<size_t>& samples,
                     double progress) override {
    const loss::MarginState state = state_at(progress);
    const torch::Tensor landmarks = positions(samples, [&](size_t i) { return classes_[i] >= 0; });
    const torch::Tensor others =
        positions(samples, [&](size_t i) { return classes_[i] == kNonlandmark; });
    const int64_t known = landmarks.numel();
    const int64_t refused = others.numel();
    if (known + refused == 0) return embeddings.sum() * 0;
    torch::Tensor sum = torch::zeros({});
    if (known > 0) {
      std::vector<int64_t> labels;
      for (const size_t i : samples)
        if (classes_[i] >= 0) labels.push_back(classes_[i]);
      const torch::Tensor cosines = head_->forward(embeddings.index_select(0, landmarks));
      sum = sum + known * arcface_.loss(cosines, torch::tensor(labels, torch::kLong), state);
    }
    if (refused > 0) {
      const torch::Tensor cosines = head_->forward(embeddings.index_select(0, others));
      sum = sum + refused * loss::rejection_loss(cosines, options_.reject_above, state.scale);
    }
    return options_.weight * sum / (known + refused);
  }

  void imprint(const torch::Tensor& class_means) override {
    constexpr double kApart = 0.3;  // of the mean's length
    const torch::NoGradGuard no_grad;
    const int64_t centres = head_->weight().size(0) / class_means.size(0);
    const torch::Tensor rows =
        loss::normalize_rows(class_means).repeat_interleave(centres, /*dim=*/0);
    const torch::Tensor noise = loss::normalize_rows(torch::randn_like(rows));
    head_->weight().copy_(centres == 1 ? rows : rows + kApart * noise);
  }

  std::shared_ptr<torch::nn::Module> module() override { return head_; }

 private:
  loss::MarginState state_at(double progress) const {
    if (options_.ramp[1] <= 0 || progress >= 1) return {.scale = options_.scale};
    const loss::MarginStart start{options_.start_scale, options_.ramp[0], options_.ramp[1]};
    return start.at(progress, options_.scale);
  }

  const HeadOptions options_;
  std::shared_ptr<loss::CosineHead> head_;
  const loss::ArcFace arcface_;
  static constexpr int64_t kNonlandmark = -2;
  std::vector<int64_t> classes_;  // by sample; -1: none
};

class Distillation final : public Objective {
 public:
  Distillation(const DistillOptions& options, TeacherTargets targets)
      : options_(options), targets_(std::move(targets)) {}

  torch::Tensor loss(const torch::Tensor& embeddings, const std::vector<size_t>& samples,
                     double /*progress*/) override {
    const torch::Tensor kept = positions(samples, [&](size_t i) { return targets_.usable[i]; });
    if (kept.numel() == 0) return embeddings.sum() * 0;
    const std::vector<int64_t> rows(samples.begin(), samples.end());
    const torch::Tensor wanted =
        targets_.rows.index_select(0, torch::tensor(rows, torch::kLong).index_select(0, kept));
    const loss::DistillationOptions loss_options{options_.contrast_weight, options_.temperature};
    return options_.weight *
           loss::distillation_loss(embeddings.index_select(0, kept), wanted, loss_options).total;
  }

 private:
  const DistillOptions options_;
  const TeacherTargets targets_;
};

class Both final : public Objective {
 public:
  Both(std::unique_ptr<Objective> head, std::unique_ptr<Objective> teacher)
      : head_(std::move(head)), teacher_(std::move(teacher)) {}

  torch::Tensor loss(const torch::Tensor& embeddings, const std::vector<size_t>& samples,
                     double progress) override {
    return head_->loss(embeddings, samples, progress) +
           teacher_->loss(embeddings, samples, progress);
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
