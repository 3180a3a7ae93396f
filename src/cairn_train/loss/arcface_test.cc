#include "cairn_train/loss/arcface.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "cairn/base/error.h"
#include "cairn_train/loss/cosine_head.h"

namespace cairn::loss {
namespace {

torch::Tensor labels(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::TensorOptions(torch::kInt64));
}

torch::Tensor loss_of(const ArcFace& arcface, const torch::Tensor& cosines,
                      const torch::Tensor& truth, std::optional<MarginState> state = {}) {
  return class_losses(arcface.logits(cosines, truth, state), truth).mean();
}

TEST(ArcFace, gradients_stay_finite_at_and_beyond_cosines_of_one) {
  const auto cosines = torch::tensor({1.0f, -1.0f, 1.0000001f, 1.0f, 1.0f, -1.0000001f})
                           .view({3, 2})
                           .requires_grad_();
  for (const bool easy : {false, true}) {
    for (const double smoothing : {0.0, 0.1}) {
      const ArcFace arcface(
          {.scale = 64, .margin = 0.5, .easy_margin = easy, .label_smoothing = smoothing});
      const auto loss = loss_of(arcface, cosines, labels({0, 1, 1}));
      cosines.mutable_grad() = torch::Tensor();
      loss.backward();
      EXPECT_TRUE(std::isfinite(loss.item<double>()));
      EXPECT_TRUE(cosines.grad().isfinite().all().item<bool>());
    }
  }
}

TEST(ArcFace, a_zero_embedding_gives_a_finite_gradient) {
  torch::manual_seed(1);
  CosineHead head(8, 4, 3);
  const auto embeddings = torch::zeros({2, 8}).requires_grad_();
  loss_of(ArcFace({}), head.forward(embeddings), labels({0, 3})).backward();
  EXPECT_TRUE(embeddings.grad().isfinite().all().item<bool>());
}

TEST(ArcFace, adds_the_margin_to_the_angle_of_the_true_class_only) {
  const double angle = 0.7;
  const auto cosines = torch::full({1, 3}, std::cos(angle), torch::kFloat32);
  const auto logits = ArcFace({.scale = 10, .margin = 0.4}).logits(cosines, labels({1}));
  EXPECT_NEAR(logits[0][0].item<double>(), 10 * std::cos(angle), 1e-5);
  EXPECT_NEAR(logits[0][1].item<double>(), 10 * std::cos(angle + 0.4), 1e-5);
}

TEST(ArcFace, with_a_margin_factor_of_zero_is_a_plain_cosine_softmax) {
  torch::manual_seed(2);
  const auto cosines = torch::rand({4, 5}) * 2 - 1;
  const ArcFace arcface({.scale = 64}, {0.1, 0.2, 0.3, 0.4, 0.5});
  const auto logits = arcface.logits(cosines, labels({0, 4, 2, 2}), MarginState{8.0, 0.0});
  EXPECT_TRUE(torch::allclose(logits, cosines * 8));
}

TEST(ArcFace, uses_the_margin_of_the_sample_s_class) {
  const auto cosines = torch::full({2, 2}, 0.5f);
  const auto logits = ArcFace({.scale = 1}, {0.1, 0.5}).logits(cosines, labels({1, 0}));
  EXPECT_NEAR(logits[0][1].item<double>(), std::cos(std::acos(0.5) + 0.5), 1e-6);
  EXPECT_NEAR(logits[1][0].item<double>(), std::cos(std::acos(0.5) + 0.1), 1e-6);
}

TEST(ArcFace, refuses_impossible_options) {
  EXPECT_THROW(ArcFace({.scale = 0}), Error);
  EXPECT_THROW(ArcFace({.margin = -0.1}), Error);
  EXPECT_THROW(ArcFace({.label_smoothing = 1.5}), Error);
  EXPECT_THROW(ArcFace({}, {0.1, std::nan("")}), Error);
  EXPECT_THROW(ArcFace({}, {0.1, 0.2}).logits(torch::zeros({1, 3}), labels({0})), Error);
}

TEST(AdaptiveMargins, rare_classes_get_wide_margins) {
  const std::vector<int64_t> counts{1, 16, 81};
  const auto margins = adaptive_margins(counts, 0.1, 0.4);
  EXPECT_DOUBLE_EQ(margins[0], 0.4);
  EXPECT_DOUBLE_EQ(margins[2], 0.1);
  EXPECT_NEAR(margins[1], 0.1 + 0.3 * (0.5 - 1.0 / 3) / (1 - 1.0 / 3), 1e-12);
}

TEST(AdaptiveMargins, equal_counts_get_the_middle) {
  const std::vector<int64_t> counts{7, 7};
  EXPECT_DOUBLE_EQ(adaptive_margins(counts, 0.1, 0.3)[0], 0.2);
}

TEST(AdaptiveMargins, a_class_without_photos_is_an_error) {
  const std::vector<int64_t> counts{3, 0};
  EXPECT_THROW(adaptive_margins(counts), Error);
}

TEST(MarginStart, grows_from_a_plain_softmax_to_full_arcface) {
  const MarginStart start{.start_scale = 8, .ramp_begin = 0.2, .ramp_end = 0.6};
  EXPECT_DOUBLE_EQ(start.at(0.1, 32).scale, 8);
  EXPECT_DOUBLE_EQ(start.at(0.1, 32).margin_factor, 0);
  EXPECT_NEAR(start.at(0.4, 32).scale, 16, 1e-9);
  EXPECT_NEAR(start.at(0.4, 32).margin_factor, 0.5, 1e-9);
  EXPECT_DOUBLE_EQ(start.at(0.9, 32).scale, 32);
  EXPECT_DOUBLE_EQ(start.at(0.9, 32).margin_factor, 1);
}

TEST(CosineHead, takes_the_nearest_of_a_class_s_centres) {
  CosineHead head(2, 2, 2);
  {
    const torch::NoGradGuard no_grad;
    head.parameters().front().copy_(
        torch::tensor({2.0f, 0.0f, 0.0f, 3.0f, -1.0f, 0.0f, 0.0f, -5.0f}).view({4, 2}));
  }
  const auto cosines = head.forward(torch::tensor({0.0f, 7.0f, -3.0f, 0.0f}).view({2, 2}));
  EXPECT_TRUE(torch::allclose(cosines, torch::tensor({1.0f, 0.0f, 0.0f, 1.0f}).view({2, 2})));
}

TEST(CosineHead, refuses_a_head_without_classes) { EXPECT_THROW(CosineHead(8, 0), Error); }

// At the end the full margin holds.
TEST(MarginStart, learns_classes_from_random_weights) {
  torch::manual_seed(3);
  CosineHead head(16, 8);
  const auto embeddings = torch::randn({8, 16});
  const auto truth = labels({0, 1, 2, 3, 4, 5, 6, 7});
  const ArcFace arcface({.scale = 32, .margin = 0.4});
  torch::optim::SGD optimiser(head.parameters(), torch::optim::SGDOptions(0.2));
  const MarginStart start;
  constexpr int kSteps = 150;
  for (int step = 0; step < kSteps; ++step) {
    optimiser.zero_grad();
    const MarginState state = start.at(static_cast<double>(step) / kSteps, 32);
    loss_of(arcface, head.forward(embeddings), truth, state).backward();
    optimiser.step();
  }
  EXPECT_LT(loss_of(arcface, head.forward(embeddings), truth).item<double>(), 0.05);
}

}  // namespace
}  // namespace cairn::loss
