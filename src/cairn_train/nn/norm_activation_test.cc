#include "cairn_train/nn/norm_activation.h"

#include <gtest/gtest.h>

#include "cairn_train/nn/layers.h"

namespace cairn::nn {
namespace {

struct Shape {
  int64_t images, channels, height, width;
};

torch::Tensor image(const Shape& s, double mean = 0) {
  return (torch::randn({s.images, s.channels, s.height, s.width}) + mean)
      .contiguous(torch::MemoryFormat::ChannelsLast)
      .set_requires_grad(true);
}

NormState random_state(int64_t channels) {
  return {torch::rand({channels}).add_(0.5).set_requires_grad(true),
          torch::randn({channels}).set_requires_grad(true),
          torch::randn({channels}),
          torch::rand({channels}),
          0.1,
          1e-3};
}

class NormActivationTest
    : public ::testing::TestWithParam<std::tuple<Shape, Activation, double /*mean*/>> {};

TEST_P(NormActivationTest, values_gradients_and_statistics_are_those_of_libtorch) {
  const auto& [shape, activation, mean] = GetParam();
  torch::manual_seed(1);
  const torch::Tensor x = image(shape, mean);
  const NormState state = random_state(shape.channels);
  NormState other = state;
  other.running_mean = state.running_mean.clone();
  other.running_var = state.running_var.clone();
  ASSERT_TRUE(fused_is_faster(x));
  // In double: the tolerances are those of our own rounding.
  const auto wide = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
  torch::Tensor expected_mean = wide(state.running_mean);
  torch::Tensor expected_var = wide(state.running_var);
  const torch::Tensor expected =
      activate(torch::batch_norm(wide(x), wide(state.weight), wide(state.bias), expected_mean,
                                 expected_var, true, state.momentum, state.eps, true),
               activation);
  const torch::Tensor y = norm_activation(x, other, activation);
  const double tolerance = mean == 0 ? 1e-5 : 2e-3;
  EXPECT_TRUE(torch::allclose(wide(y), expected, tolerance, tolerance));
  EXPECT_TRUE(torch::allclose(wide(other.running_mean), expected_mean, 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(wide(other.running_var), expected_var, 1e-4, 1e-5));

  const std::vector<torch::Tensor> inputs{x, state.weight, state.bias};
  const auto wanted = torch::autograd::grad({(expected * expected.sin()).sum()}, inputs);
  const auto given = torch::autograd::grad({(y * y.sin()).sum()}, inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const double scale = wanted[i].abs().max().item<double>();
    EXPECT_LT((given[i] - wanted[i]).abs().max().item<double>(), tolerance * scale) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    shapes, NormActivationTest,
    ::testing::Combine(::testing::Values(Shape{2, 16, 9, 7}, Shape{3, 20, 17, 13},
                                         Shape{1, 3, 2, 1}, Shape{5, 33, 1, 1}),
                       ::testing::Values(Activation::kNone, Activation::kRelu, Activation::kSilu),
                       ::testing::Values(0.0, 300.0)));

TEST(NormActivation, takes_extreme_values) {
  torch::Tensor x = image({1, 16, 1, 4}).detach();
  x.select(3, 0).fill_(1e6);
  x.set_requires_grad(true);
  NormState state = random_state(16);
  state.weight = torch::full({16}, 1e3).set_requires_grad(true);
  const torch::Tensor y = norm_activation(x, state, Activation::kSilu);
  EXPECT_TRUE(y.isfinite().all().item<bool>());
  EXPECT_TRUE(torch::autograd::grad({y.sum()}, {x})[0].isfinite().all().item<bool>());
}

TEST(NormActivation, gives_the_same_numbers_for_any_number_of_threads) {
  torch::manual_seed(2);
  const torch::Tensor x = image({4, 24, 31, 17});
  const NormState state = random_state(24);
  const int before = torch::get_num_threads();
  std::vector<torch::Tensor> first;
  for (const int threads : {1, 2, 3}) {
    torch::set_num_threads(threads);
    const torch::Tensor y = norm_activation(x, state, Activation::kSilu);
    std::vector<torch::Tensor> all =
        torch::autograd::grad({y.square().sum()}, {x, state.weight, state.bias});
    all.push_back(y);
    if (first.empty()) first = all;
    for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(torch::equal(all[i], first[i])) << i;
  }
  torch::set_num_threads(before);
}

TEST(NormActivation, takes_gradients_of_any_layout) {
  torch::manual_seed(3);
  const torch::Tensor x = image({2, 16, 5, 3});
  const NormState state = random_state(16);
  const torch::Tensor y = norm_activation(x, state, Activation::kRelu);
  // The mean's gradient is one number in every pixel, with strides of 0.
  const auto given = torch::autograd::grad({y.mean({2, 3}).square().sum()}, {x});
  const torch::Tensor reference =
      torch::relu(torch::batch_norm(x, state.weight, state.bias, {}, {}, true, 0, 1e-3, true));
  const auto wanted = torch::autograd::grad({reference.mean({2, 3}).square().sum()}, {x});
  EXPECT_TRUE(torch::allclose(given[0], wanted[0], 1e-4, 1e-6));
}

TEST(ScaleChannels, values_and_gradients_are_those_of_libtorch) {
  torch::manual_seed(4);
  const torch::Tensor x = image({3, 20, 7, 5});
  const torch::Tensor gate = torch::rand({3, 20, 1, 1}).set_requires_grad(true);
  const torch::Tensor expected = x * gate;
  const torch::Tensor y = scale_channels(x, gate);
  EXPECT_TRUE(torch::equal(y, expected));
  const auto wanted = torch::autograd::grad({expected.sin().sum()}, {x, gate});
  const auto given = torch::autograd::grad({y.sin().sum()}, {x, gate});
  EXPECT_TRUE(torch::allclose(given[0], wanted[0], 1e-6, 1e-6));
  EXPECT_TRUE(torch::allclose(given[1], wanted[1], 1e-5, 1e-5));
}

TEST(NormActivation, is_left_to_libtorch_where_no_gradient_is_wanted_or_the_layout_is_another) {
  const torch::Tensor x = image({2, 16, 4, 4});
  EXPECT_TRUE(fused_is_faster(x));
  EXPECT_FALSE(fused_is_faster(x.contiguous(torch::MemoryFormat::Contiguous)));
  EXPECT_FALSE(fused_is_faster(x.to(torch::kBFloat16)));
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(fused_is_faster(x));
}

TEST(Linear, is_torch_s_linear) {
  torch::manual_seed(5);
  for (const int64_t rows : {1, 2, 16, 33}) {
    const torch::Tensor x = torch::randn({rows, 40}).set_requires_grad(true);
    const torch::Tensor weight = torch::randn({7, 40}).set_requires_grad(true);
    const torch::Tensor bias = torch::randn({7}).set_requires_grad(true);
    const torch::Tensor expected = torch::linear(x, weight, bias);
    const torch::Tensor y = linear(x, weight, bias);
    EXPECT_TRUE(torch::allclose(y, expected, 1e-5, 1e-5));
    const auto wanted = torch::autograd::grad({expected.sin().sum()}, {x, weight, bias});
    const auto given = torch::autograd::grad({y.sin().sum()}, {x, weight, bias});
    for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(torch::allclose(given[i], wanted[i], 1e-4, 1e-4));
  }
}

}  // namespace
}  // namespace cairn::nn
