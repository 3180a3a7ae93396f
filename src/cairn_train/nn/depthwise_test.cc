#include "cairn_train/nn/depthwise.h"

#include <gtest/gtest.h>

namespace cairn::nn {
namespace {

struct Case {
  int64_t images, channels, height, width, kernel, stride, pad;
};

// The gradients of Σ sin(y) by LibTorch and by our own function.
class DepthwiseTest : public ::testing::TestWithParam<Case> {};

TEST_P(DepthwiseTest, output_and_gradients_are_those_of_conv2d) {
  const Case& c = GetParam();
  torch::manual_seed(1);
  for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
    const torch::Tensor x = torch::randn({c.images, c.channels, c.height, c.width})
                                .contiguous(format)
                                .set_requires_grad(true);
    const torch::Tensor weight =
        torch::randn({c.channels, 1, c.kernel, c.kernel}).set_requires_grad(true);
    ASSERT_TRUE(depthwise_is_faster(x, weight, c.channels));
    const torch::Tensor reference =
        torch::conv2d(x, weight, {}, {c.stride, c.stride}, {c.pad, c.pad}, {1, 1}, c.channels);
    const auto expected = torch::autograd::grad({reference.sin().sum()}, {x, weight});
    const torch::Tensor y = depthwise_conv2d(x, weight, c.stride, c.pad, c.pad);
    const auto gradients = torch::autograd::grad({y.sin().sum()}, {x, weight});
    EXPECT_TRUE(torch::allclose(y, reference, 1e-5, 1e-5));
    EXPECT_TRUE(torch::allclose(gradients[0], expected[0], 1e-4, 1e-4));
    EXPECT_TRUE(torch::allclose(gradients[1], expected[1], 1e-4, 1e-3));
  }
}

INSTANTIATE_TEST_SUITE_P(shapes, DepthwiseTest,
                         ::testing::Values(Case{2, 16, 9, 7, 5, 1, 2}, Case{1, 20, 11, 8, 5, 2, 0},
                                           Case{3, 3, 5, 5, 5, 1, 2}, Case{1, 32, 3, 2, 5, 1, 2},
                                           Case{2, 17, 14, 15, 7, 2, 3},
                                           Case{1, 16, 6, 6, 5, 3, 1}));

TEST(Depthwise, is_left_to_libtorch_where_no_gradient_is_wanted_or_libtorch_is_fast) {
  const torch::Tensor x = torch::zeros({1, 16, 8, 8});
  const torch::Tensor five = torch::zeros({16, 1, 5, 5}).set_requires_grad(true);
  const torch::Tensor three = torch::zeros({16, 1, 3, 3}).set_requires_grad(true);
  EXPECT_TRUE(depthwise_is_faster(x, five, 16));
  EXPECT_FALSE(depthwise_is_faster(x, three, 16));
  EXPECT_FALSE(depthwise_is_faster(x, five, 1));
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(depthwise_is_faster(x, five, 16));
}

}  // namespace
}  // namespace cairn::nn
