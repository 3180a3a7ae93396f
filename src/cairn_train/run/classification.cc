#include "cairn_train/run/classification.h"

#include <cmath>
#include <numeric>

#include "cairn_train/loss/knowledge.h"
#include "cairn_train/loss/rejection.h"

namespace cairn::run {
namespace {

torch::Tensor index_of(const std::vector<int64_t>& rows, const torch::Tensor& like) {
  return torch::tensor(rows, torch::kLong).to(like.device());
}

loss::ArcFaceOptions arcface_options(const HeadOptions& head) {
  loss::ArcFaceOptions options;
  options.scale = head.scale;
  options.margin = head.margin;
  options.label_smoothing = head.label_smoothing;
  options.focal_gamma = head.focal_gamma;
  return options;
}

std::vector<double> margins_of(const HeadOptions& head, const std::vector<int64_t>& counts) {
  if (!head.adaptive) return {};
  return loss::adaptive_margins(counts, head.margin_min, head.margin_max);
}

std::vector<float> weights_of(const HeadOptions& head, const std::vector<int64_t>& counts) {
  if (head.class_weights == "none") return std::vector<float>(counts.size(), 1.0F);
  const std::vector<double> weights = loss::log_class_weights(counts);
  return {weights.begin(), weights.end()};
}

}  // namespace

Classification::Classification(const Recipe& recipe, const data::TrainingSet& set)
    : options_(recipe.head),
      knowledge_options_(recipe.knowledge),
      head_(std::make_shared<loss::CosineHead>(
          recipe.model.embedding_dim, static_cast<int64_t>(set.landmark_of_class.size()),
          recipe.head.type == "subcenter" ? recipe.head.centers : 1)),
      arcface_(arcface_options(recipe.head), margins_of(recipe.head, set.photos_of_class)),
      class_weights_(weights_of(recipe.head, set.photos_of_class)) {
  for (const data::Sample& sample : set.samples) classes_.push_back(sample.class_index);
  for (const size_t i : set.nonlandmark) classes_[i] = kNonlandmark;
  if (!recipe.knowledge.teacher.empty())
    teacher_ = std::make_unique<Teacher>(recipe.knowledge.teacher, set.landmark_of_class);
}

void Classification::collect(const std::vector<size_t>& samples, double share, Items& known,
                             Items& refused) const {
  for (size_t row = 0; row < samples.size(); ++row) {
    const int64_t label = classes_[samples[row]];
    if (label == -1) continue;
    Items& items = label == kNonlandmark ? refused : known;
    items.rows.push_back(static_cast<int64_t>(row));
    if (label >= 0) items.labels.push_back(label);
    const float of_class = label >= 0 ? class_weights_[static_cast<size_t>(label)] : 1.0F;
    items.weights.push_back(static_cast<float>(share) * of_class);
  }
}

torch::Tensor Classification::hard_loss(const torch::Tensor& cosines, const Shown& shown) const {
  const loss::MarginState state = state_at(shown.progress);
  Items known;
  Items refused;
  const double own_share = shown.mixed ? shown.mixed->lambda : 1.0;
  collect(shown.samples, own_share, known, refused);
  if (shown.mixed) {
    std::vector<size_t> partners;
    for (const size_t row : shown.mixed->partner) partners.push_back(shown.samples[row]);
    collect(partners, 1 - own_share, known, refused);
  }
  torch::Tensor sum = torch::zeros({}, cosines.options());
  if (!known.rows.empty()) {
    const torch::Tensor losses =
        arcface_.losses(cosines.index_select(0, index_of(known.rows, cosines)),
                        index_of(known.labels, cosines), state);
    sum = sum + (losses * torch::tensor(known.weights).to(cosines.device())).sum();
  }
  if (!refused.rows.empty()) {
    const torch::Tensor losses =
        loss::rejection_losses(cosines.index_select(0, index_of(refused.rows, cosines)),
                               options_.reject_above, state.scale);
    sum = sum + (losses * torch::tensor(refused.weights).to(cosines.device())).sum();
  }
  const bool by_batch = options_.class_weights_norm == "batch";
  double whole = 0;
  for (size_t i = 0; i < known.rows.size(); ++i) {
    const float of_class = by_batch ? 1.0F : class_weights_[static_cast<size_t>(known.labels[i])];
    whole += known.weights[i] / of_class;
  }
  for (const float weight : refused.weights) whole += weight;
  return whole > 0 ? sum / whole : sum;
}

torch::Tensor Classification::loss(const torch::Tensor& embeddings, const Shown& shown) {
  const torch::Tensor cosines = head_->forward(embeddings);
  torch::Tensor total = hard_loss(cosines, shown);
  if (teacher_ && shown.images.defined()) {
    const double lambda = knowledge_options_.lambda;
    const torch::Tensor soft = loss::knowledge_loss(
        cosines * options_.scale, teacher_->answers(shown.images), knowledge_options_.temperature);
    total = lambda * total + (1 - lambda) * soft;
  }
  return options_.weight * total;
}

void Classification::imprint(const torch::Tensor& class_means) {
  constexpr double kApart = 0.3;  // of the mean's length
  const torch::NoGradGuard no_grad;
  const int64_t centres = head_->weight().size(0) / class_means.size(0);
  const torch::Tensor rows =
      loss::normalize_rows(class_means).repeat_interleave(centres, /*dim=*/0);
  const torch::Tensor noise = loss::normalize_rows(torch::randn_like(rows));
  head_->weight().copy_(centres == 1 ? rows : rows + kApart * noise);
}

loss::MarginState Classification::state_at(double progress) const {
  if (options_.ramp[1] <= 0 || progress >= 1) return {.scale = options_.scale};
  const loss::MarginStart start{options_.start_scale, options_.ramp[0], options_.ramp[1]};
  return start.at(progress, options_.scale);
}

}  // namespace cairn::run
