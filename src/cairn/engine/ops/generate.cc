// Operators that make tensors from numbers: Range, EyeLike, OneHot, Trilu.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

// max(ceil((limit - start) / delta), 0), or the Error where that is no size.
template <typename T>
int64_t range_length(const OpContext& ctx, T start, T limit, T delta) {
  if (delta == T(0)) ctx.fail("delta is 0");
  // long double holds every int64 exactly on x86; elsewhere a length this large fails anyway.
  const long double steps = std::ceil((static_cast<long double>(limit) - start) / delta);
  if (!(steps < 0x1p48L)) ctx.fail("the range is too long");
  return steps > 0 ? static_cast<int64_t>(steps) : 0;
}

void range(OpContext& ctx) {
  const Tensor& first = ctx.input(0);
  for (size_t i = 0; i < 3; ++i) {
    expect_same_type(ctx, first, ctx.input(i));
    if (ctx.input(i).count() != 1) ctx.fail("start, limit and delta must be single numbers");
  }
  using RangeTypes = Types<float, double, int16_t, int32_t, int64_t>;
  dispatch(ctx, first.dtype(), RangeTypes{}, [&]<typename T>() {
    const T start = *first.data<T>();
    const T delta = *ctx.input(2).data<T>();
    const int64_t length = range_length(ctx, start, *ctx.input(1).data<T>(), delta);
    T* out = ctx.make_output(0, first.dtype(), {length}).template data<T>();
    for (int64_t i = 0; i < length; ++i) {
      out[i] = wrapping_add(start, wrapping_mul(static_cast<T>(i), delta));
    }
  });
}

void eye_like(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  if (x.shape().size() != 2) ctx.fail("the input must be a matrix");
  const int64_t k = ctx.node.get_int("k", 0);
  const DType type = ctx.node.has_attribute("dtype")
                         ? dtype_of_code(ctx, ctx.node.get_int("dtype", 0))
                         : x.dtype();
  Tensor& y = ctx.make_output(0, type, x.shape());
  std::memset(y.data<std::byte>(), 0, y.bytes());
  const int64_t rows = x.dim(0), columns = x.dim(1);
  if (k <= -rows || k >= columns) return;
  dispatch(ctx, type, AnyType{}, [&]<typename T>() {
    for (int64_t i = std::max<int64_t>(0, -k); i < rows && i + k < columns; ++i) {
      y.data<T>()[i * columns + i + k] = convert<T>(uint8_t{1});
    }
  });
}

// values = [off, on]; an index outside [-depth, depth) leaves all off.
void one_hot(OpContext& ctx) {
  const Tensor& indices = ctx.input(0);
  const Tensor& values = ctx.input(2);
  const double wanted = number(ctx, 1);
  if (!(wanted >= 1 && wanted < 0x1p40)) ctx.fail("depth must be at least 1");
  const auto depth = static_cast<int64_t>(wanted);
  if (values.count() != 2) ctx.fail("values must be [off, on]");
  Shape shape = indices.shape();
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", -1), shape.size() + 1);
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), depth);
  Tensor& y = ctx.make_output(0, values.dtype(), shape);
  if (y.count() == 0) return;
  const size_t inner = product(shape, axis + 1, shape.size());
  dispatch_size(values.dtype(), [&]<typename V>() {
    const V* pair = values.data<V>();
    std::fill_n(y.data<V>(), y.count(), pair[0]);
    dispatch(ctx, indices.dtype(), Numbers{}, [&]<typename T>() {
      for (size_t i = 0; i < indices.count(); ++i) {
        const auto value = convert<double>(indices.data<T>()[i]);
        if (!(value >= -wanted && value < wanted)) continue;
        const auto index = static_cast<int64_t>(value);
        const auto at = static_cast<size_t>(index < 0 ? index + depth : index);
        y.data<V>()[(i / inner * static_cast<size_t>(depth) + at) * inner + i % inner] = pair[1];
      }
    });
  });
}

void trilu(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  expect_rank_at_least(ctx, x, 2);
  const bool upper = ctx.node.get_int("upper", 1) != 0;
  const int64_t rows = x.dim(x.shape().size() - 2), columns = x.shape().back();
  // Beyond these every element is on the same side.
  const int64_t k = ctx.has_input(1) ? std::clamp(integer(ctx, 1), -rows - 1, columns + 1) : 0;
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  if (y.count() == 0) return;
  std::memcpy(y.data<std::byte>(), x.data<std::byte>(), x.bytes());
  const size_t unit = element_size(x.dtype());
  for (size_t row = 0; row < y.count() / static_cast<size_t>(columns); ++row) {
    // The diagonal cuts the row before this column.
    const int64_t cut = static_cast<int64_t>(row) % rows + k + (upper ? 0 : 1);
    const auto at = static_cast<size_t>(std::clamp<int64_t>(cut, 0, columns));
    std::byte* out = y.data<std::byte>() + row * static_cast<size_t>(columns) * unit;
    if (upper) {
      std::memset(out, 0, at * unit);
    } else {
      std::memset(out + at * unit, 0, (static_cast<size_t>(columns) - at) * unit);
    }
  }
}

}  // namespace

std::vector<OpEntry> generate_ops() {
  return {
      {"Range", {range, 11}},
      {"EyeLike", {eye_like, 9, 17, {"dtype", "k"}}},
      {"OneHot", {one_hot, 9, 17, {"axis"}}},
      {"Trilu", {trilu, 14, 17, {"upper"}}},
  };
}

}  // namespace cairn::engine::ops
