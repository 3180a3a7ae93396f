#include <gtest/gtest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn_train/loss/center.h"
#include "cairn_train/loss/triplet.h"

namespace cairn::loss {
namespace {

torch::Tensor labels(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::TensorOptions(torch::kInt64));
}

torch::Tensor on_a_line(const std::vector<float>& places) {
  return torch::tensor(places).view({-1, 1});
}

TEST(Triplet, takes_the_farthest_of_the_own_label_and_the_nearest_of_the_others) {
  const HardPairs pairs = hardest_pairs(on_a_line({0, 1, 3, 7, 4}), labels({5, 5, 5, 6, 6}));
  EXPECT_TRUE(torch::allclose(pairs.positive, torch::tensor({3.0F, 2.0F, 3.0F, 3.0F, 3.0F})));
  EXPECT_TRUE(torch::allclose(pairs.negative, torch::tensor({4.0F, 3.0F, 1.0F, 4.0F, 1.0F})));
  EXPECT_TRUE(pairs.usable.all().item<bool>());
}

TEST(Triplet, leaves_out_photos_without_a_partner_and_gives_zero_where_none_has_one) {
  const torch::Tensor features = on_a_line({0, 1, 3}).requires_grad_();
  const TripletOptions raw{.margin = 1, .normalise = false};
  const auto [loss, used] = triplet_loss(features, labels({1, 1, 2}), raw);
  EXPECT_EQ(used, 2);
  EXPECT_NEAR(loss.item<double>(), 0, 1e-6);  // 1 - 3 + 1 and 1 - 2 + 1
  for (const auto& truth : {labels({1, 2, 3}), labels({1, 1, 1})}) {
    features.mutable_grad() = torch::Tensor();
    const torch::Tensor none = triplet_loss(features, truth, raw).loss;
    none.backward();
    EXPECT_EQ(none.item<double>(), 0);
    EXPECT_TRUE(features.grad().eq(0).all().item<bool>());
  }
}

TEST(Triplet, has_a_soft_margin_and_a_factor_that_makes_pairs_harder) {
  const torch::Tensor features = on_a_line({0, 1, 3, 5});
  const torch::Tensor truth = labels({1, 1, 2, 2});  // distances 1 < 3, 1 < 2, 2 = 2, 2 < 4
  const double soft =
      triplet_loss(features, truth, {.margin = 0, .normalise = false}).loss.item<double>();
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  EXPECT_NEAR(soft, (softplus(-2) + softplus(-1) + softplus(0) + softplus(-2)) / 4, 1e-6);
  const double hard =
      triplet_loss(features, truth, {.margin = 1, .hard_factor = 0.1, .normalise = false})
          .loss.item<double>();
  EXPECT_NEAR(hard, (0 + (1.1 - 1.8 + 1) + (2.2 - 1.8 + 1) + 0) / 4, 1e-6);
}

TEST(Triplet, gradients_of_equal_photos_are_finite) {
  const torch::Tensor features = torch::ones({4, 3}).requires_grad_();
  triplet_loss(features, labels({1, 1, 2, 2})).loss.backward();
  EXPECT_TRUE(features.grad().isfinite().all().item<bool>());
}

TEST(Triplet, impossible_options_are_errors) {
  const torch::Tensor features = torch::ones({2, 3});
  EXPECT_THROW(triplet_loss(features, labels({1, 1}), {.margin = -1}), Error);
  EXPECT_THROW(triplet_loss(features, labels({1, 1}), {.hard_factor = 2}), Error);
}

TEST(CenterLoss, its_weight_scales_the_pull_on_features_but_not_the_centres) {
  torch::manual_seed(2);
  CenterLoss center(3, 4);
  const torch::Tensor features = torch::randn({5, 4}).requires_grad_();
  const torch::Tensor truth = labels({0, 2, 2, 0, 2});
  const auto run = [&](double weight) {
    features.mutable_grad() = torch::Tensor();
    center.zero_grad();
    const torch::Tensor loss = center.loss(features, truth, weight);
    loss.backward();
    return std::tuple{loss.item<double>(), features.grad().clone(), center.weight().grad().clone()};
  };
  const auto [one, pull, follow] = run(1);
  const auto [tenth, tenth_pull, same_follow] = run(0.1);
  EXPECT_NEAR(tenth, one / 10, 1e-5);
  EXPECT_TRUE(torch::allclose(tenth_pull * 10, pull));
  EXPECT_TRUE(torch::allclose(same_follow, follow));
  EXPECT_TRUE(follow[1].eq(0).all().item<bool>());  // nobody's class
  EXPECT_THROW(CenterLoss(0, 4), Error);
}

}  // namespace
}  // namespace cairn::loss
