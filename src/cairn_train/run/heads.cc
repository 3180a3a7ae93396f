#include "cairn_train/run/heads.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn_train/loss/arcface.h"

namespace cairn::run {
namespace {

// Angular margins, with or without sub-centres.
bool is_arcface(const HeadOptions& head) {
  return head.type == "arcface" || head.type == "subcenter";
}

loss::ArcFace make_arcface(const HeadOptions& head, const std::vector<int64_t>& photos_of_class,
                           size_t begin, size_t end) {
  loss::ArcFaceOptions options;
  options.scale = head.scale;
  options.margin = head.margin;
  options.easy_margin = head.easy_margin;
  options.label_smoothing = head.label_smoothing;
  options.smoothing_share =
      head.label_smoothing / static_cast<double>(std::max<size_t>(1, photos_of_class.size()));
  if (!head.adaptive) return loss::ArcFace(options);
  const std::vector<double> all =
      loss::adaptive_margins(photos_of_class, head.margin_min, head.margin_max);
  return loss::ArcFace(
      options, {all.begin() + static_cast<long>(begin), all.begin() + static_cast<long>(end)});
}

}  // namespace

std::shared_ptr<loss::CosineHead> make_classifier(const HeadOptions& head, int64_t embedding_dim,
                                                  int64_t classes, const Slice& here) {
  return std::make_shared<loss::CosineHead>(
      embedding_dim, classes, head.type == "subcenter" ? head.centers : 1,
      head.type == "softmax" ? loss::Similarity::kProduct : loss::Similarity::kCosine, here);
}

std::unique_ptr<loss::MarginHead> make_margin_head(const HeadOptions& head,
                                                   const std::vector<int64_t>& photos_of_class,
                                                   size_t begin, size_t end) {
  if (head.type == "softmax") return std::make_unique<loss::PlainSoftmax>();
  if (head.type == "cosine")
    return std::make_unique<loss::CosFace>(
        loss::CosFace::Options{.scale = head.scale, .margin = 0});
  if (head.type == "cosface" || head.type == "amsoftmax")
    return std::make_unique<loss::CosFace>(
        loss::CosFace::Options{.scale = head.scale, .margin = head.margin});
  if (head.type == "circle")
    return std::make_unique<loss::Circle>(
        loss::Circle::Options{.scale = head.scale, .margin = head.margin});
  CAIRN_ASSERT(is_arcface(head));
  return std::make_unique<loss::ArcFace>(make_arcface(head, photos_of_class, begin, end));
}

loss::ClassLossOptions class_loss_options(const HeadOptions& head) {
  return {.focal_gamma = head.focal_gamma, .smoothing = head.target_smoothing};
}

double full_scale(const HeadOptions& head) { return head.type == "softmax" ? 1 : head.scale; }

loss::MarginState margin_state(const HeadOptions& head, double progress) {
  if (head.ramp[1] <= 0 || progress >= 1) return {.scale = full_scale(head)};
  const loss::MarginStart start{head.start_scale, head.ramp[0], head.ramp[1]};
  return start.at(progress, full_scale(head));
}

std::vector<float> class_weights(const HeadOptions& head,
                                 const std::vector<int64_t>& photos_of_class) {
  if (head.class_weights == "none") return std::vector<float>(photos_of_class.size(), 1.0F);
  const std::vector<double> weights = loss::log_class_weights(photos_of_class);
  return {weights.begin(), weights.end()};
}

void require_possible_head(const Recipe& recipe, const std::string& file) {
  const HeadOptions& head = recipe.head;
  const auto refuse = [&](const std::string& why) {
    throw Error(fmt::format("{}: {}", file, why));
  };
  if (head.margin_min > head.margin_max) refuse("head.margin_min must not exceed head.margin_max");
  if (head.focal_gamma > 0 && head.target_smoothing > 0)
    refuse("head.focal_gamma and head.target_smoothing exclude each other");
  if (head.type == "none" || is_arcface(head)) return;
  if (head.adaptive || head.easy_margin || head.label_smoothing > 0)
    refuse(fmt::format(
        "head.adaptive, head.easy_margin and head.label_smoothing need head.type arcface or "
        "subcenter, not {} (head.target_smoothing smooths the labels of every head)",
        head.type));
  if (head.type == "circle" && head.margin > 1)
    refuse(fmt::format("head.margin of circle must be a number from 0 to 1, not {}", head.margin));
  if (head.type == "softmax" && !recipe.data.nonlandmark.empty())
    refuse("data.nonlandmark needs a head of cosines, not softmax");
}

}  // namespace cairn::run
