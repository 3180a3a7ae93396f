#include "cairn_train/run/classification.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn_train/loss/knowledge.h"
#include "cairn_train/loss/rejection.h"
#include "cairn_train/run/carried_head.h"
#include "cairn_train/run/distributed/split_softmax.h"

namespace cairn::run {
namespace {

torch::Tensor index_of(const std::vector<int64_t>& rows, const torch::Tensor& like) {
  return torch::tensor(rows, torch::kLong).to(like.device());
}

int64_t classes_of(const data::TrainingSet& set) {
  return static_cast<int64_t>(set.landmark_of_class.size());
}

// Whether the head is split; throws Error where it cannot be.
bool splits(const Recipe& recipe, const data::TrainingSet& set, const Ranks& ranks) {
  if (!recipe.head.split || ranks.alone()) return false;
  if (!recipe.knowledge.teacher.empty())
    throw Error(
        "head.split: a knowledge.teacher's answers need the whole head; set head.split=false");
  if (recipe.head.label_smoothing > 0 && recipe.head.adaptive)
    throw Error(
        "head.split: label_smoothing gives every landmark a share of the true one's margin, which "
        "with head.adaptive only one process knows; set head.split=false");
  if (classes_of(set) < ranks.world())
    throw Error(fmt::format("head.split: {} landmarks cannot be split over {} processes",
                            classes_of(set), ranks.world()));
  return true;
}

}  // namespace

Classification::Classification(const Recipe& recipe, const data::TrainingSet& set,
                               const Ranks& ranks)
    : options_(recipe.head),
      knowledge_options_(recipe.knowledge),
      ranks_(ranks),
      split_(splits(recipe, set, ranks)),
      classes_here_(split_ ? slice_of(classes_of(set), ranks.rank(), ranks.world())
                           : Slice{0, classes_of(set)}),
      head_(
          make_classifier(recipe.head, recipe.model.embedding_dim, classes_of(set), classes_here_)),
      margin_(make_margin_head(recipe.head, set.photos_of_class,
                               static_cast<size_t>(classes_here_.begin),
                               static_cast<size_t>(classes_here_.end))),
      class_weights_(class_weights(recipe.head, set.photos_of_class)) {
  if (recipe.head.carry_over && !recipe.init.empty()) carry_over(recipe.init, set);
  for (const data::Sample& sample : set.samples) classes_.push_back(sample.class_index);
  for (const size_t i : set.nonlandmark) classes_[i] = kNonlandmark;
  if (!recipe.knowledge.teacher.empty())
    teacher_ = std::make_unique<Teacher>(recipe.knowledge.teacher, set.landmark_of_class);
}

int64_t Classification::centres() const { return head_->weight().size(0) / classes_here_.size(); }

void Classification::carry_over(const std::string& init, const data::TrainingSet& set) {
  const auto begin = static_cast<size_t>(classes_here_.begin);
  const auto landmarks =
      std::span(set.landmark_of_class).subspan(begin, static_cast<size_t>(classes_here_.size()));
  carried_ = carry_over_head(init, landmarks, classes_here_.begin, head_->weight());
  const auto rows = static_cast<double>(carried_.size());
  log_info(fmt::format("{}: carried {:.0f} of {} landmarks over", init,
                       (split_ ? ranks_.sum(rows) : rows) / static_cast<double>(centres()),
                       set.landmark_of_class.size()));
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

torch::Tensor Classification::class_losses(const torch::Tensor& cosines,
                                           const torch::Tensor& labels,
                                           const loss::MarginState& state) const {
  const loss::ClassLossOptions options = class_loss_options(options_);
  if (!split_) return loss::class_losses(margin_->logits(cosines, labels, state), labels, options);
  const torch::Tensor here = labels_in(classes_here_, labels);
  return split_class_losses(margin_->logits(cosines, here, state), here,
                            static_cast<int64_t>(class_weights_.size()), ranks_, options);
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
    const torch::Tensor losses =
        class_losses(cosines.index_select(0, index_of(known.rows, cosines)),
                     index_of(known.labels, cosines), state);
    sum = sum + (losses * torch::tensor(known.weights).to(cosines.device())).sum();
  }
  if (!refused.rows.empty()) {
    const torch::Tensor rows = cosines.index_select(0, index_of(refused.rows, cosines));
    const torch::Tensor losses =
        split_ ? torch::softplus(log_sum_exp((rows - options_.reject_above) * state.scale, ranks_))
               : loss::rejection_losses(rows, options_.reject_above, state.scale);
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
        loss::knowledge_loss(cosines * full_scale(options_),
                             torch::cat(ranks_.gather_rows(teacher_->answers(shown.images))),
                             knowledge_options_.temperature);
    total = lambda * total + (1 - lambda) * soft;
  }
  return options_.weight * total;
}

void Classification::imprint(const torch::Tensor& class_means) {
  constexpr double kApart = 0.3;  // of the mean's length
  const torch::NoGradGuard no_grad;
  const torch::Tensor rows =
      loss::normalize_rows(class_means).repeat_interleave(centres(), /*dim=*/0);
  const torch::Tensor noise = loss::normalize_rows(torch::randn_like(rows));
  const torch::Tensor start = centres() == 1 ? rows : rows + kApart * noise;
  const torch::Tensor carried = index_of(carried_, rows);
  const torch::Tensor known = head_->weight().index_select(0, carried);
  head_->weight().copy_(
      start.narrow(0, classes_here_.begin * centres(), classes_here_.size() * centres()));
  head_->weight().index_copy_(0, carried, known);
}

}  // namespace cairn::run
