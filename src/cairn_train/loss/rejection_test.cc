#include "cairn_train/loss/rejection.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cairn::loss {
namespace {

TEST(RejectionLoss, is_the_cross_entropy_of_a_none_class) {
  const auto cosines = torch::tensor({0.5F, -0.2F, 0.1F, 0.9F, 0.3F, 0.0F}).view({2, 3});
  const auto none = torch::full({2, 1}, 0.2F);
  const auto logits = torch::cat({cosines, none}, 1) * 12;
  const auto expected = torch::nn::functional::cross_entropy(
      logits, torch::full({2}, 3, torch::TensorOptions(torch::kLong)));
  EXPECT_NEAR(rejection_losses(cosines, 0.2, 12).mean().item<double>(), expected.item<double>(),
              1e-5);
}

TEST(RejectionLoss, pushes_near_centres_away_and_leaves_far_ones_alone) {
  const auto cosines = torch::tensor({0.9F, -0.9F}).view({1, 2}).set_requires_grad(true);
  rejection_losses(cosines, 0.2, 30).mean().backward();
  EXPECT_NEAR(cosines.grad()[0][0].item<double>(), 30, 0.01);
  EXPECT_NEAR(cosines.grad()[0][1].item<double>(), 0, 1e-6);
  EXPECT_LT(rejection_losses(torch::full({4, 5}, -0.5F), 0.2, 30).mean().item<double>(), 1e-6);
}

TEST(RejectionLoss, is_finite_for_large_scales) {
  EXPECT_NEAR(rejection_losses(torch::ones({1, 1}), 0.0, 1000).mean().item<double>(), 1000, 1e-3);
}

}  // namespace
}  // namespace cairn::loss
