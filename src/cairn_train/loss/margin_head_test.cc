#include "cairn_train/loss/margin_head.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "cairn/base/error.h"
#include "cairn_train/loss/arcface.h"
#include "cairn_train/loss/cosine_head.h"

namespace cairn::loss {
namespace {

constexpr int64_t kRows = 6;
constexpr int64_t kClasses = 7;

torch::Tensor labels(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::TensorOptions(torch::kInt64));
}

const std::vector<int64_t> kTruth = {0, 6, 3, 2, 3, 4};

// A head for the columns from `begin` to `end` of kClasses.
using MakeHead = std::function<std::unique_ptr<MarginHead>(int64_t begin, int64_t end)>;

// Logits and the cosines' gradient must not depend on how many parts the head is split into.
void expect_slices_make_the_whole(const MakeHead& make) {
  torch::manual_seed(4);
  const torch::Tensor values = torch::rand({kRows, kClasses}) * 2 - 1;
  const torch::Tensor upstream = torch::randn({kRows, kClasses});
  const MarginState state{20, 0.7};
  const auto run = [&](const std::vector<int64_t>& bounds) {
    const torch::Tensor cosines = values.clone().requires_grad_();
    std::vector<torch::Tensor> parts;
    for (size_t i = 0; i + 1 < bounds.size(); ++i) {
      const torch::Tensor truth = labels(kTruth) - bounds[i];
      const torch::Tensor here = (truth >= 0) & (truth < bounds[i + 1] - bounds[i]);
      parts.push_back(make(bounds[i], bounds[i + 1])
                          ->logits(cosines.slice(1, bounds[i], bounds[i + 1]),
                                   torch::where(here, truth, torch::full_like(truth, -1)), state));
    }
    const torch::Tensor logits = torch::cat(parts, 1);
    (logits * upstream).sum().backward();
    return std::pair{logits.detach(), cosines.grad()};
  };
  const auto [whole, whole_gradient] = run({0, kClasses});
  for (const std::vector<int64_t>& bounds :
       {std::vector<int64_t>{0, 4, 7}, std::vector<int64_t>{0, 1, 3, 7}}) {
    const auto [logits, gradient] = run(bounds);
    EXPECT_TRUE(torch::equal(logits, whole));
    EXPECT_TRUE(torch::allclose(gradient, whole_gradient));
  }
}

TEST(MarginHead, slices_of_a_split_head_side_by_side_are_the_whole) {
  expect_slices_make_the_whole([](int64_t, int64_t) {
    return std::make_unique<CosFace>(CosFace::Options{.scale = 30, .margin = 0.3});
  });
  expect_slices_make_the_whole(
      [](int64_t, int64_t) { return std::make_unique<Circle>(Circle::Options{}); });
  expect_slices_make_the_whole([](int64_t, int64_t) { return std::make_unique<PlainSoftmax>(); });
  expect_slices_make_the_whole([](int64_t begin, int64_t end) {
    const std::vector<double> margins = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7};
    return std::make_unique<ArcFace>(
        ArcFaceOptions{}, std::vector<double>(margins.begin() + begin, margins.begin() + end));
  });
  expect_slices_make_the_whole([](int64_t, int64_t) {
    return std::make_unique<ArcFace>(
        ArcFaceOptions{.label_smoothing = 0.1, .smoothing_share = 0.1 / kClasses});
  });
}

TEST(MarginHead, smoothed_arcface_with_margins_of_classes_cannot_be_split) {
  const ArcFace arcface({.label_smoothing = 0.1}, {0.1, 0.2});
  EXPECT_THROW(arcface.logits(torch::zeros({1, 2}), labels({-1})), Error);
}

TEST(CosFace, lowers_the_cosine_of_the_true_class_only) {
  const torch::Tensor cosines = torch::full({1, 3}, 0.5F);
  const torch::Tensor logits = CosFace({.scale = 10, .margin = 0.2}).logits(cosines, labels({2}));
  EXPECT_TRUE(torch::allclose(logits, torch::tensor({5.0F, 5.0F, 3.0F}).view({1, 3})));
}

TEST(Circle, weighs_by_the_distance_from_the_optimum_and_takes_no_gradient_there) {
  const torch::Tensor cosines = torch::tensor({0.5F, 0.4F}).view({1, 2}).requires_grad_();
  const torch::Tensor logits = Circle({.scale = 10, .margin = 0.25}).logits(cosines, labels({0}));
  EXPECT_NEAR(logits[0][0].item<double>(), 10 * 0.75 * (0.5 - 0.75), 1e-5);
  EXPECT_NEAR(logits[0][1].item<double>(), 10 * 0.65 * (0.4 - 0.25), 1e-5);
  logits.sum().backward();
  EXPECT_NEAR(cosines.grad()[0][0].item<double>(), 10 * 0.75, 1e-5);
  EXPECT_NEAR(cosines.grad()[0][1].item<double>(), 10 * 0.65, 1e-5);
}

TEST(MarginHead, impossible_options_are_errors) {
  EXPECT_THROW(CosFace({.scale = 0}), Error);
  EXPECT_THROW(CosFace({.margin = -0.1}), Error);
  EXPECT_THROW(Circle({.scale = 10, .margin = 1.5}), Error);
  EXPECT_THROW(Circle({.scale = std::nan("")}), Error);
}

TEST(ClassLosses, smoothing_spreads_the_target_over_all_classes) {
  const torch::Tensor logits = torch::tensor({2.0F, -1.0F, 0.5F}).view({1, 3});
  const torch::Tensor likely = -torch::log_softmax(logits, 1)[0];
  const double smooth = class_losses(logits, labels({1}), {.smoothing = 0.3})[0].item<double>();
  EXPECT_NEAR(smooth, 0.7 * likely[1].item<double>() + 0.3 * likely.mean().item<double>(), 1e-6);
}

TEST(CosineHead, with_products_is_a_linear_classifier) {
  torch::manual_seed(1);
  CosineHead head(4, 3, 1, Similarity::kProduct);
  const torch::Tensor x = torch::randn({2, 4});
  EXPECT_TRUE(torch::allclose(head.forward(x), x.matmul(head.weight().t())));
}

}  // namespace
}  // namespace cairn::loss
