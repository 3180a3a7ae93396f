#include "cairn/engine/tensor.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"

namespace cairn::engine {
namespace {

TEST(Tensor, holds_its_values_in_aligned_memory) {
  const Tensor x = Tensor::from_f32({2, 2}, std::array{1.0F, 2.0F, 3.0F, 4.0F});
  EXPECT_EQ(x.count(), 4U);
  EXPECT_EQ(x.bytes(), 16U);
  EXPECT_EQ(x.values<float>()[3], 4.0F);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(x.data<float>()) % 64, 0U);
}

TEST(Tensor, of_no_dimensions_is_one_element_and_of_a_zero_none) {
  EXPECT_EQ(Tensor(DType::kF32, {}).count(), 1U);
  EXPECT_EQ(Tensor(DType::kF32, {3, 0, 2}).count(), 0U);
}

TEST(Tensor, refuses_impossible_shapes) {
  EXPECT_THROW(Tensor(DType::kF32, {2, -1}), Error);
  EXPECT_THROW(Tensor(DType::kF32, {INT64_MAX, INT64_MAX}), Error);
  EXPECT_THROW(Tensor(DType::kF32, {INT64_MAX, 0, INT64_MAX}), Error);
  EXPECT_THROW(Tensor(DType::kU8, {int64_t{1} << 40}), Error);
  EXPECT_THROW(Tensor(DType::kU8, Shape(kMaxRank + 1, 1)), Error);
  EXPECT_THROW(Tensor::from_f32({3}, std::array{1.0F}), Error);
}

TEST(Tensor, limit_holds_for_each_tensor_and_can_be_lowered) {
  const size_t before = set_tensor_limit(1024);
  EXPECT_NO_THROW(Tensor(DType::kF32, {256}));
  EXPECT_THROW(Tensor(DType::kF32, {257}), Error);
  set_tensor_limit(before);
  EXPECT_EQ(tensor_limit(), before);
}

TEST(Tensor, reshaped_shares_memory_and_keeps_the_count) {
  const Tensor x = Tensor::from_i64({2, 3}, std::array<int64_t, 6>{1, 2, 3, 4, 5, 6});
  const Tensor y = x.reshaped({3, 2});
  EXPECT_EQ(y.data<int64_t>(), x.data<int64_t>());
  EXPECT_EQ(y.shape(), (Shape{3, 2}));
  EXPECT_THROW(x.reshaped({4}), Error);
}

}  // namespace
}  // namespace cairn::engine
