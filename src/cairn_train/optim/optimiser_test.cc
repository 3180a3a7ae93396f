#include "cairn_train/optim/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

namespace cairn::optim {
namespace {

// Two parameters, a matrix and a vector, and the gradients of a few steps.
struct Problem {
  torch::Tensor matrix;
  torch::Tensor vector;
  explicit Problem(int seed) {
    torch::manual_seed(seed);
    matrix = torch::randn({4, 3}).set_requires_grad(true);
    vector = torch::randn({5}).set_requires_grad(true);
  }
  void set_gradients(int step) const {
    matrix.mutable_grad() = torch::sin(matrix.detach() * (step + 1));
    vector.mutable_grad() = torch::cos(vector.detach() * (step + 1));
  }
};

void expect_same(const Problem& a, const Problem& b) {
  EXPECT_TRUE(torch::allclose(a.matrix, b.matrix, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(a.vector, b.vector, 1e-5, 1e-6));
}

Optimiser make(const OptimiserOptions& options, const Problem& problem) {
  return {options, {{"matrix", problem.matrix, 1}, {"vector", problem.vector, 1}}};
}

TEST(Optimiser, adamw_is_that_of_libtorch_with_decay_of_matrices_alone) {
  const Problem own(1);
  const Problem reference(1);
  OptimiserOptions options;
  options.weight_decay = 0.1;
  options.clip = 0;
  Optimiser optimiser = make(options, own);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<torch::Tensor>{reference.matrix});
  groups.emplace_back(std::vector<torch::Tensor>{reference.vector},
                      std::make_unique<torch::optim::AdamWOptions>(
                          torch::optim::AdamWOptions(0.01).weight_decay(0)));
  torch::optim::AdamW theirs(groups, torch::optim::AdamWOptions(0.01).weight_decay(0.1));
  for (int step = 0; step < 5; ++step) {
    own.set_gradients(step);
    reference.set_gradients(step);
    optimiser.step(0.01);
    theirs.step();
  }
  expect_same(own, reference);
}

TEST(Optimiser, a_parameter_with_a_rate_of_its_own_descends_plainly_and_outside_the_clip) {
  const Problem own(1);
  const torch::Tensor before = own.vector.detach().clone();
  OptimiserOptions options;
  options.clip = 1e-3;
  Optimiser optimiser(
      options, {{"matrix", own.matrix}, {.name = "vector", .tensor = own.vector, .own_lr = 0.5}});
  own.set_gradients(0);
  EXPECT_NEAR(optimiser.step(0), own.matrix.grad().norm().item<double>(), 1e-6);
  EXPECT_TRUE(torch::allclose(own.vector.detach(), before - 0.5 * own.vector.grad()));
  EXPECT_EQ(optimiser.state().size(), 2U);  // the matrix's moments
}

TEST(Optimiser, a_parameter_may_decay_by_its_own_share) {
  const Problem own(1);
  const torch::Tensor before = own.vector.detach().clone();
  Optimiser optimiser({}, {{.name = "vector", .tensor = own.vector, .weight_decay = 0.2}});
  own.vector.mutable_grad() = torch::zeros_like(own.vector);
  optimiser.step(0.1);
  EXPECT_TRUE(torch::allclose(own.vector.detach(), before * (1 - 0.1 * 0.2)));
}

TEST(Optimiser, sgd_is_that_of_libtorch) {
  const Problem own(1);
  const Problem reference(1);
  OptimiserOptions options;
  options.type = "sgd";
  options.weight_decay = 0;
  options.clip = 0;
  Optimiser optimiser = make(options, own);
  torch::optim::SGD theirs({reference.matrix, reference.vector},
                           torch::optim::SGDOptions(0.05).momentum(0.9).nesterov(true));
  for (int step = 0; step < 5; ++step) {
    own.set_gradients(step);
    reference.set_gradients(step);
    optimiser.step(0.05);
    theirs.step();
  }
  expect_same(own, reference);
}

TEST(Optimiser, shrinks_long_gradients_and_tells_their_norm) {
  const Problem own(1);
  const torch::Tensor before = own.vector.detach().clone();
  OptimiserOptions options;
  options.type = "sgd";
  options.momentum = 0;
  options.nesterov = false;
  options.weight_decay = 0;
  options.clip = 1;
  Optimiser optimiser = make(options, own);
  own.matrix.mutable_grad() = torch::zeros({4, 3});
  own.vector.mutable_grad() = torch::full({5}, 10.0);
  EXPECT_NEAR(optimiser.step(1), 10 * std::sqrt(5.0), 1e-3);
  EXPECT_NEAR((before - own.vector.detach()).norm().item<double>(), 1, 1e-5);
}

TEST(Optimiser, leaves_everything_as_it_is_where_a_gradient_is_no_number) {
  const Problem own(1);
  const torch::Tensor before = own.matrix.detach().clone();
  Optimiser optimiser = make({}, own);
  own.set_gradients(0);
  own.vector.mutable_grad()[0] = std::nan("");
  EXPECT_FALSE(std::isfinite(optimiser.step(0.1)));
  EXPECT_TRUE(torch::equal(before, own.matrix.detach()));
  EXPECT_EQ(optimiser.steps(), 0);
}

TEST(adam_update, is_the_same_by_tensor_operations_for_any_device) {
  for (const bool centralise : {false, true}) {
    for (const bool adaptive : {false, true}) {
      torch::manual_seed(5);
      UpdateRule rule;
      rule.adaptive = adaptive;
      rule.centralise = centralise;
      rule.shrink = 0.7F;
      rule.l2 = 0.01F;
      rule.keep = 0.99F;
      rule.rate = 0.05F;
      rule.root = 1.5F;
      const auto weights = torch::randn({6, 4, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast);
      const auto gradient = torch::randn_like(weights);
      std::vector<torch::Tensor> hot = {weights.clone(), torch::rand_like(weights),
                                        torch::rand_like(weights)};
      std::vector<torch::Tensor> plain;
      for (const auto& tensor : hot) plain.push_back(tensor.clone());
      adam_update(hot[0], gradient, hot[1], hot[2], rule);
      adam_update_anywhere(plain[0], gradient, plain[1], plain[2], rule);
      for (size_t i = 0; i < hot.size(); ++i)
        EXPECT_TRUE(torch::allclose(hot[i], plain[i], 1e-5, 1e-6)) << i;
    }
  }
}

TEST(Optimiser, ranger_goes_on_from_its_saved_state_bit_by_bit) {
  OptimiserOptions options;
  options.type = "ranger";
  const Problem whole(1);
  const Problem broken(1);
  Optimiser unbroken = make(options, whole);
  auto first = std::make_unique<Optimiser>(make(options, broken));
  for (int step = 0; step < 14; ++step) {
    if (step == 8) {
      auto second = std::make_unique<Optimiser>(make(options, broken));
      const auto saved = first->state();
      const auto targets = second->state();
      for (size_t i = 0; i < saved.size(); ++i) targets[i].tensor.copy_(saved[i].tensor);
      second->set_steps(first->steps());
      first = std::move(second);
    }
    whole.set_gradients(step);
    broken.set_gradients(step);
    unbroken.step(0.05);
    first->step(0.05);
  }
  EXPECT_TRUE(torch::equal(whole.matrix, broken.matrix));
  EXPECT_TRUE(torch::equal(whole.vector, broken.vector));
}

}  // namespace
}  // namespace cairn::optim
