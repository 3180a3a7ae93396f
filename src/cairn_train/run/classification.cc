#include "cairn_train/run/classification.h"

#include <fmt/format.h>

#include "cairn/base/log.h"
#include "cairn_train/loss/knowledge.h"
#include "cairn_train/loss/rejection.h"
#include "cairn_train/run/carry.h"

namespace cairn::run {
namespace {

torch::Tensor index_of(const std::vector<int64_t>& rows, const torch::Tensor& like) {
  return torch::tensor(rows, torch::kLong).to(like.device());
}

}  // namespace

Classification::Classification(const Recipe& recipe, const data::TrainingSet& set)
    : options_(recipe.head),
      knowledge_options_(recipe.knowledge),
      head_(make_classifier(recipe.head, recipe.model.embedding_dim,
                            static_cast<int64_t>(set.landmark_of_class.size()))),
      margin_(make_margin_head(recipe.head, set.photos_of_class, 0, set.photos_of_class.size())),
      class_weights_(class_weights(recipe.head, set.photos_of_class)) {
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
  const loss::MarginState state = margin_state(options_, shown.progress);
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
    const torch::Tensor labels = index_of(known.labels, cosines);
    const torch::Tensor logits =
        margin_->logits(cosines.index_select(0, index_of(known.rows, cosines)), labels, state);
    const torch::Tensor losses = loss::class_losses(logits, labels, class_loss_options(options_));
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
    const torch::Tensor soft =
        loss::knowledge_loss(cosines * full_scale(options_), teacher_->answers(shown.images),
                             knowledge_options_.temperature);
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

void Classification::carry(const std::filesystem::path& weights,
                           const std::vector<int64_t>& landmarks) {
  const int64_t known = carry_centres(weights, landmarks, head_->weight());
  log_info(
      fmt::format("{}: knows {} of the {} landmarks", weights.string(), known, landmarks.size()));
}

}  // namespace cairn::run
