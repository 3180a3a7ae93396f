// What the operators share: checked axes and sizes, small inputs read as numbers, broadcasting.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "cairn/engine/op.h"
#include "cairn/engine/ops/types.h"

namespace cairn::engine::ops {

// One row of the table of operators; every family file makes some (see families.h).
struct OpEntry {
  std::string_view name;
  OpInfo info;
};

// An axis in [-rank, rank) as one in [0, rank). Throws Error where it is out of range.
size_t axis_of(const OpContext& ctx, int64_t axis, size_t rank);

// Several axes, sorted. Throws Error where one is out of range or given twice.
std::vector<size_t> axes_of(const OpContext& ctx, std::span<const int64_t> axes, size_t rank);

// Product of shape[begin, end). The shape is one of a tensor, so it cannot overflow.
size_t product(const Shape& shape, size_t begin, size_t end);

// a + b and a * b, or the Error where they overflow.
int64_t checked_add(const OpContext& ctx, int64_t a, int64_t b);
int64_t checked_mul(const OpContext& ctx, int64_t a, int64_t b);

// A small input (shape, axes, starts …) of int32 or int64 elements, at most 4096 of them.
std::vector<int64_t> integers(const OpContext& ctx, size_t i);
// An input of one element, as a number.
int64_t integer(const OpContext& ctx, size_t i);
double number(const OpContext& ctx, size_t i);

// The type of an ONNX type code (TensorProto.DataType). Throws Error where it is not supported.
DType dtype_of_code(const OpContext& ctx, int64_t code);

// An attribute that has to be there.
std::vector<int64_t> required_ints(const OpContext& ctx, std::string_view key);

// Throws Error where the types of two inputs differ.
void expect_same_type(const OpContext& ctx, const Tensor& a, const Tensor& b);
// Throws Error where the rank is below `rank`.
void expect_rank_at_least(const OpContext& ctx, const Tensor& x, size_t rank);

// Row-major strides in elements.
std::vector<size_t> strides_of(const Shape& shape);

// Advances a row-major counter; false where it wraps to zeros.
bool advance(std::vector<int64_t>& counter, const Shape& sizes);

// The shape that all shapes broadcast to by NumPy's rules. Throws Error where they do not.
Shape broadcast(const OpContext& ctx, std::span<const Shape> shapes);

// Walks an output and N inputs that broadcast to it, in rows along the last axis. Neighbouring
// axes that all operands walk alike are merged, so that equal shapes are one single row.
template <size_t N>
class BroadcastWalk {
 public:
  BroadcastWalk(const Shape& output, const std::array<Shape, N>& inputs);

  // The step of input k within a row: 1, or 0 where one element serves the whole row.
  size_t step(size_t k) const { return steps_[k]; }

  // Calls row(output offset, input offsets, length).
  template <typename Row>
  void for_each_row(Row&& row) const {
    if (rows_ == 0 || length_ == 0) return;
    std::array<size_t, N> offsets{};
    std::vector<size_t> counter(dims_.size(), 0);
    for (size_t r = 0; r < rows_; ++r) {
      row(r * length_, offsets, length_);
      for (size_t axis = dims_.size(); axis-- > 0;) {
        for (size_t k = 0; k < N; ++k) offsets[k] += strides_[axis][k];
        if (++counter[axis] < dims_[axis]) break;
        for (size_t k = 0; k < N; ++k) offsets[k] -= strides_[axis][k] * dims_[axis];
        counter[axis] = 0;
      }
    }
  }

 private:
  size_t rows_ = 1;
  size_t length_ = 1;
  std::array<size_t, N> steps_{};
  std::vector<size_t> dims_;  // of the outer axes
  std::vector<std::array<size_t, N>> strides_;
};

template <size_t N>
BroadcastWalk<N>::BroadcastWalk(const Shape& output, const std::array<Shape, N>& inputs) {
  std::array<std::vector<size_t>, N> strides;
  for (size_t k = 0; k < N; ++k) strides[k] = strides_of(inputs[k]);
  for (size_t axis = 0; axis < output.size(); ++axis) {
    if (output[axis] == 1) continue;
    const auto dim = static_cast<size_t>(output[axis]);
    std::array<size_t, N> step{};
    for (size_t k = 0; k < N; ++k) {
      const size_t missing = output.size() - inputs[k].size();
      if (axis >= missing && inputs[k][axis - missing] != 1) step[k] = strides[k][axis - missing];
    }
    bool mergeable = !dims_.empty();
    for (size_t k = 0; mergeable && k < N; ++k) mergeable = strides_.back()[k] == step[k] * dim;
    if (mergeable) {
      dims_.back() *= dim;
      strides_.back() = step;
    } else {
      dims_.push_back(dim);
      strides_.push_back(step);
    }
  }
  if (!dims_.empty()) {
    length_ = dims_.back();
    steps_ = strides_.back();
    dims_.pop_back();
    strides_.pop_back();
  }
  for (const size_t dim : dims_) rows_ *= dim;
}

}  // namespace cairn::engine::ops
