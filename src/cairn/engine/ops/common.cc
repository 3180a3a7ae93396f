#include "cairn/engine/ops/common.h"

#include <fmt/format.h>

#include <algorithm>

namespace cairn::engine::ops {

size_t axis_of(const OpContext& ctx, int64_t axis, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    ctx.fail(fmt::format("axis {} is out of range for {} dimensions", axis, rank));
  }
  return static_cast<size_t>(axis < 0 ? axis + signed_rank : axis);
}

std::vector<size_t> axes_of(const OpContext& ctx, std::span<const int64_t> axes, size_t rank) {
  std::vector<size_t> result;
  result.reserve(axes.size());
  for (const int64_t axis : axes) result.push_back(axis_of(ctx, axis, rank));
  std::sort(result.begin(), result.end());
  if (std::adjacent_find(result.begin(), result.end()) != result.end()) {
    ctx.fail(fmt::format("axes [{}] name one axis twice", fmt::join(axes, ",")));
  }
  return result;
}

size_t product(const Shape& shape, size_t begin, size_t end) {
  size_t result = 1;
  for (size_t i = begin; i < end; ++i) result *= static_cast<size_t>(shape[i]);
  return result;
}

int64_t checked_add(const OpContext& ctx, int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) ctx.fail(fmt::format("{} + {} overflows", a, b));
  return sum;
}

int64_t checked_mul(const OpContext& ctx, int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) ctx.fail(fmt::format("{} * {} overflows", a, b));
  return result;
}

std::vector<int64_t> integers(const OpContext& ctx, size_t i) {
  const Tensor& x = ctx.input(i);
  if (x.count() > 4096) ctx.fail(fmt::format("input {} has {} elements: too many", i, x.count()));
  std::vector<int64_t> values(x.count());
  dispatch(ctx, x.dtype(), Indices{},
           [&]<typename T>() { std::copy_n(x.data<T>(), x.count(), values.begin()); });
  return values;
}

int64_t integer(const OpContext& ctx, size_t i) {
  const std::vector<int64_t> values = integers(ctx, i);
  if (values.size() != 1) ctx.fail(fmt::format("input {} must hold one number", i));
  return values[0];
}

double number(const OpContext& ctx, size_t i) {
  const Tensor& x = ctx.input(i);
  if (x.count() != 1) ctx.fail(fmt::format("input {} must hold one number", i));
  double value = 0;
  dispatch(ctx, x.dtype(), Numbers{}, [&]<typename T>() { value = convert<double>(*x.data<T>()); });
  return value;
}

std::vector<int64_t> required_ints(const OpContext& ctx, std::string_view key) {
  if (!ctx.node.has_attribute(key)) ctx.fail(fmt::format("attribute \"{}\" is missing", key));
  return ctx.node.get_ints(key);
}

void expect_same_type(const OpContext& ctx, const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype()) return;
  ctx.fail(fmt::format("inputs of different types, {} and {}", dtype_name(a.dtype()),
                       dtype_name(b.dtype())));
}

void expect_rank_at_least(const OpContext& ctx, const Tensor& x, size_t rank) {
  if (x.shape().size() >= rank) return;
  ctx.fail(fmt::format("shape {} has fewer than {} dimensions", to_string(x.shape()), rank));
}

std::vector<size_t> strides_of(const Shape& shape) {
  std::vector<size_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * static_cast<size_t>(shape[i]);
  }
  return strides;
}

bool advance(std::vector<int64_t>& counter, const Shape& sizes) {
  for (size_t axis = counter.size(); axis-- > 0;) {
    if (++counter[axis] < sizes[axis]) return true;
    counter[axis] = 0;
  }
  return false;
}

Shape broadcast(const OpContext& ctx, std::span<const Shape> shapes) {
  size_t rank = 0;
  for (const Shape& shape : shapes) rank = std::max(rank, shape.size());
  Shape result(rank, 1);
  for (const Shape& shape : shapes) {
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t& dim = result[rank - shape.size() + i];
      if (dim == 1) {
        dim = shape[i];
      } else if (shape[i] != 1 && shape[i] != dim) {
        ctx.fail(
            fmt::format("shape {} does not broadcast to {}", to_string(shape), to_string(result)));
      }
    }
  }
  return result;
}

}  // namespace cairn::engine::ops
