// Operators that move, slide and reduce, beyond what the conformance models cover.
#include <gtest/gtest.h>

#include <numeric>

#include "cairn/base/error.h"
#include "cairn/engine/ops/op_testing.h"
#include "cairn/engine/ops/strided.h"
#include "cairn/engine/ops/types.h"

namespace cairn::engine::ops {
namespace {

using Ints = std::vector<int64_t>;

Tensor counting(const Shape& shape) {
  Tensor x(DType::kF32, shape);
  std::iota(x.data<float>(), x.data<float>() + x.count(), 0.0F);
  return x;
}

TEST(Transpose, moves_every_element_of_large_planes) {
  const Tensor x = counting({3, 70, 45});
  const Tensor y = run_op("Transpose", {x}, {{"perm", Ints{2, 0, 1}}})[0];
  ASSERT_EQ(y.shape(), (Shape{45, 3, 70}));
  for (int64_t i = 0; i < 45; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      for (int64_t k = 0; k < 70; ++k) {
        ASSERT_EQ(y.data<float>()[(i * 3 + j) * 70 + k], x.data<float>()[(j * 70 + k) * 45 + i]);
      }
    }
  }
  EXPECT_THROW(run_op("Transpose", {x}, {{"perm", Ints{0, 0, 1}}}), Error);
}

TEST(Slice, clamps_and_steps_backwards) {
  const Tensor x = counting({2, 5});
  const auto sliced = [&](Ints starts, Ints ends, Ints axes, Ints steps) {
    const auto n = static_cast<int64_t>(starts.size());
    return run_op("Slice",
                  {x, i64({n}, starts), i64({n}, ends), i64({n}, axes), i64({n}, steps)})[0];
  };
  EXPECT_EQ(values_of<float>(sliced({4}, {INT64_MIN}, {1}, {-2})),
            (std::vector<float>{4, 2, 0, 9, 7, 5}));
  EXPECT_EQ(values_of<float>(sliced({-2, 0}, {INT64_MAX, 1}, {1, 0}, {1, 1})),
            (std::vector<float>{3, 4}));
  EXPECT_EQ(values_of<float>(sliced({0}, {5}, {-1}, {INT64_MAX})), (std::vector<float>{0, 5}));
  EXPECT_EQ(sliced({3}, {2}, {1}, {1}).shape(), (Shape{2, 0}));
  EXPECT_THROW(sliced({0}, {1}, {1}, {0}), Error);
  EXPECT_THROW(sliced({0}, {1}, {2}, {1}), Error);
}

TEST(Reshape, infers_one_dimension_and_refuses_two) {
  const Tensor x = counting({2, 6});
  EXPECT_EQ(run_op("Reshape", {x, i64({3}, {0, -1, 3})})[0].shape(), (Shape{2, 2, 3}));
  EXPECT_THROW(run_op("Reshape", {x, i64({2}, {-1, -1})}), Error);
  EXPECT_THROW(run_op("Reshape", {x, i64({2}, {5, -1})}), Error);
  EXPECT_THROW(run_op("Reshape", {x, i64({2}, {INT64_MAX, INT64_MAX})}), Error);
}

TEST(Pad, reflects_further_than_the_axis_is_long) {
  const Tensor x = f32({3}, {1, 2, 3});
  const Tensor y = run_op("Pad", {x, i64({2}, {5, 3})}, {{"mode", std::string("reflect")}})[0];
  EXPECT_EQ(values_of<float>(y), (std::vector<float>{2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2}));
  const Tensor cropped = run_op("Pad", {x, i64({2}, {-1, 1})})[0];
  EXPECT_EQ(values_of<float>(cropped), (std::vector<float>{2, 3, 0}));
}

TEST(MaxPool, with_ceil_mode_starts_no_window_in_the_right_padding) {
  const Attributes attributes{{"kernel_shape", Ints{2}},
                              {"strides", Ints{3}},
                              {"pads", Ints{1, 1}},
                              {"ceil_mode", int64_t{1}}};
  const Tensor y = run_op("MaxPool", {counting({1, 1, 4})}, attributes)[0];
  EXPECT_EQ(values_of<float>(y), (std::vector<float>{0, 3}));
}

TEST(MaxPool, propagates_nan) {
  const Tensor x = f32({1, 1, 3}, {1, NAN, 5});
  const Tensor y = run_op("MaxPool", {x}, {{"kernel_shape", Ints{3}}})[0];
  EXPECT_TRUE(std::isnan(y.data<float>()[0]));
}

TEST(AveragePool, counts_padding_when_asked_but_never_beyond_it) {
  Attributes attributes{{"kernel_shape", Ints{3}},
                        {"strides", Ints{3}},
                        {"pads", Ints{1, 0}},
                        {"ceil_mode", int64_t{1}},
                        {"count_include_pad", int64_t{1}}};
  const Tensor y = run_op("AveragePool", {f32({1, 1, 4}, {3, 3, 3, 3})}, attributes)[0];
  EXPECT_EQ(values_of<float>(y), (std::vector<float>{2, 3}));
}

TEST(Conv, computes_groups_strides_and_dilations_in_every_float_type) {
  const Attributes attributes{
      {"group", int64_t{2}}, {"strides", Ints{2}}, {"dilations", Ints{2}}, {"pads", Ints{1, 1}}};
  const std::vector<float> x{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const std::vector<float> w{1, 10, -1, 2};
  // Channel 0 reads positions (-1, 1), (1, 3), (3, 5); so does channel 1 with its own weights.
  const std::vector<float> expected{20.5F, 42.5F, 4.5F, 14, 11, -9};
  const std::vector<float> bias{0.5F, 0};
  const Tensor y =
      run_op("Conv", {f32({1, 2, 5}, x), f32({2, 1, 2}, w), f32({2}, bias)}, attributes)[0];
  EXPECT_EQ(values_of<float>(y), expected);
  const auto half = [](Shape shape, const std::vector<float>& values) {
    return tensor<Half>(DType::kF16, std::move(shape), {values.begin(), values.end()});
  };
  const Tensor z =
      run_op("Conv", {half({1, 2, 5}, x), half({2, 1, 2}, w), half({2}, bias)}, attributes)[0];
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(static_cast<float>(z.data<Half>()[i]), expected[i]);
  }
}

TEST(Conv, refuses_weights_that_do_not_fit) {
  const Tensor x = counting({1, 3, 5, 5});
  EXPECT_THROW(run_op("Conv", {x, counting({2, 2, 3, 3})}), Error);
  EXPECT_THROW(run_op("Conv", {x, counting({2, 3, 3})}), Error);
  EXPECT_THROW(run_op("Conv", {x, counting({2, 3, 7, 7})}), Error);
  EXPECT_THROW(run_op("Conv", {x, counting({2, 3, 3, 3}), counting({3})}), Error);
}

TEST(ConvTranspose, of_an_empty_input_is_the_bias) {
  const Tensor x(DType::kF32, {1, 1, 0, 3});
  const Tensor y = run_op("ConvTranspose", {x, counting({1, 1, 2, 1}), f32({1}, {7})})[0];
  EXPECT_EQ(y.shape(), (Shape{1, 1, 2, 3}));
  EXPECT_EQ(values_of<float>(y), std::vector<float>(6, 7.0F));
}

TEST(Reduce, handles_any_axes_and_empty_inputs) {
  const Tensor x = counting({2, 3, 4});
  const Tensor y = run_op("ReduceMean", {x}, {{"axes", Ints{0, 2}}, {"keepdims", int64_t{0}}})[0];
  EXPECT_EQ(values_of<float>(y), (std::vector<float>{7.5F, 11.5F, 15.5F}));
  EXPECT_EQ(values_of<float>(run_op("ReduceSum", {f32({0, 2}, {}), i64({1}, {0})})[0]),
            (std::vector<float>{0, 0}));
  EXPECT_THROW(run_op("ReduceMax", {f32({0, 2}, {})}, {{"axes", Ints{0}}}), Error);
  const Tensor big = run_op("ReduceLogSumExp", {f32({2}, {1000, 1000})})[0];
  EXPECT_NEAR(big.data<float>()[0], 1000.693F, 1e-3);
}

TEST(Gather, refuses_indices_out_of_range) {
  const Tensor x = counting({2, 3});
  EXPECT_THROW(run_op("Gather", {x, i64({1}, {2})}), Error);
  EXPECT_THROW(run_op("Gather", {x, i64({1}, {-3})}), Error);
  EXPECT_EQ(values_of<float>(run_op("Gather", {x, i64({}, {-1})})[0]),
            (std::vector<float>{3, 4, 5}));
}

TEST(Resize, doubles_by_nearest_and_linear) {
  const Tensor x = f32({1, 1, 1, 2}, {0, 4});
  const Tensor none = f32({0}, {});
  const Tensor scales = f32({4}, {1, 1, 2, 2});
  const Tensor near = run_op("Resize", {x, none, scales})[0];
  EXPECT_EQ(values_of<float>(near), (std::vector<float>{0, 0, 4, 4, 0, 0, 4, 4}));
  const Tensor linear = run_op("Resize", {x, none, scales}, {{"mode", std::string("linear")}})[0];
  EXPECT_EQ(values_of<float>(linear), (std::vector<float>{0, 1, 3, 4, 0, 1, 3, 4}));
}

TEST(Softmax, means_the_axis_alone_since_opset_13) {
  const Tensor x = f32({1, 2, 2}, {0, 0, 0, 0});
  const Attributes attributes{{"axis", int64_t{1}}};
  EXPECT_EQ(run_op("Softmax", {x}, attributes, 12)[0].data<float>()[0], 0.25F);
  EXPECT_EQ(run_op("Softmax", {x}, attributes, 13)[0].data<float>()[0], 0.5F);
}

TEST(CopyStrided, walks_backwards_and_repeats) {
  const std::vector<float> in{1, 2, 3};
  std::vector<float> out(6);
  copy_strided(DType::kF32, in.data() + 2, out.data(), {{2, 0, 3}, {3, -1, 1}});
  EXPECT_EQ(out, (std::vector<float>{3, 2, 1, 3, 2, 1}));
}

}  // namespace
}  // namespace cairn::engine::ops
