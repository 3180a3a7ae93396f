// Operators along one axis that order or scan: ArgMax, ArgMin, TopK, CumSum.
#include <algorithm>
#include <numeric>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

// The input as [outer, count, inner] around one axis.
struct Line {
  size_t axis, outer, count, inner;
};

Line line_of(const OpContext& ctx, int64_t axis) {
  const Shape& shape = ctx.input(0).shape();
  const size_t at = axis_of(ctx, axis, shape.size());
  return {at, product(shape, 0, at), static_cast<size_t>(shape[at]),
          product(shape, at + 1, shape.size())};
}

template <bool kMax>
void arg_extreme(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Line line = line_of(ctx, ctx.node.get_int("axis", 0));
  const bool take_last = ctx.node.get_int("select_last_index", 0) != 0;
  Shape shape = x.shape();
  if (ctx.node.get_int("keepdims", 1) != 0) {
    shape[line.axis] = 1;
  } else {
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(line.axis));
  }
  Tensor& y = ctx.make_output(0, DType::kI64, shape);
  if (y.count() > 0 && line.count == 0) ctx.fail("the axis has no elements");
  dispatch(ctx, x.dtype(), Numbers{}, [&]<typename T>() {
    using C = Compute<T>;
    for (size_t o = 0; o < line.outer; ++o) {
      for (size_t j = 0; j < line.inner; ++j) {
        const T* in = x.data<T>() + o * line.count * line.inner + j;
        size_t best = 0;
        for (size_t i = 1; i < line.count; ++i) {
          const C value(in[i * line.inner]);
          const C leader(in[best * line.inner]);
          const bool better = kMax ? value > leader : value < leader;
          if (better || (take_last && value == leader)) best = i;
        }
        y.data<int64_t>()[o * line.inner + j] = static_cast<int64_t>(best);
      }
    }
  });
}

// The strict order in which TopK lists values; NaN comes last.
template <typename C>
bool comes_before(C a, C b, bool largest) {
  if (a != a || b != b) return a == a && b != b;
  return largest ? a > b : a < b;
}

// Among equal values the lower index comes first.
void top_k(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const int64_t k = ctx.opset < 10 ? ctx.node.get_int("k", -1) : integer(ctx, 1);
  const Line line = line_of(ctx, ctx.node.get_int("axis", -1));
  if (k < 0 || static_cast<size_t>(k) > line.count) {
    ctx.fail("k = " + std::to_string(k) + " of " + std::to_string(line.count) + " elements");
  }
  const bool largest = ctx.node.get_int("largest", 1) != 0;
  Shape shape = x.shape();
  shape[line.axis] = k;
  Tensor values = ctx.make_output(0, x.dtype(), shape);
  Tensor indices =
      ctx.outputs.size() > 1 ? ctx.make_output(1, DType::kI64, shape) : Tensor(DType::kI64, shape);
  if (values.count() == 0) return;
  const auto count = static_cast<size_t>(k);
  dispatch(ctx, x.dtype(), Numbers{}, [&]<typename T>() {
    std::vector<size_t> order(line.count);
    for (size_t o = 0; o < line.outer; ++o) {
      for (size_t j = 0; j < line.inner; ++j) {
        const T* in = x.data<T>() + o * line.count * line.inner + j;
        const auto value = [&](size_t i) { return Compute<T>(in[i * line.inner]); };
        std::iota(order.begin(), order.end(), 0);
        std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](size_t a, size_t b) {
          if (comes_before(value(a), value(b), largest)) return true;
          return !comes_before(value(b), value(a), largest) && a < b;
        });
        for (size_t i = 0; i < count; ++i) {
          const size_t at = (o * count + i) * line.inner + j;
          values.data<T>()[at] = in[order[i] * line.inner];
          indices.data<int64_t>()[at] = static_cast<int64_t>(order[i]);
        }
      }
    }
  });
}

void cum_sum(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Line line = line_of(ctx, integer(ctx, 1));
  const bool exclusive = ctx.node.get_int("exclusive", 0) != 0;
  const bool reverse = ctx.node.get_int("reverse", 0) != 0;
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  using SumTypes = Types<float, double, Half, int32_t, int64_t, uint32_t, uint64_t>;
  dispatch(ctx, x.dtype(), SumTypes{}, [&]<typename T>() {
    using A = Accumulator<T>;
    for (size_t o = 0; o < line.outer; ++o) {
      for (size_t j = 0; j < line.inner; ++j) {
        const size_t start = o * line.count * line.inner + j;
        A sum = 0;
        for (size_t i = 0; i < line.count; ++i) {
          const size_t at = start + (reverse ? line.count - 1 - i : i) * line.inner;
          const A next = wrapping_add(sum, A(Compute<T>(x.data<T>()[at])));
          y.data<T>()[at] = convert<T>(exclusive ? sum : next);
          sum = next;
        }
      }
    }
  });
}

}  // namespace

std::vector<OpEntry> order_ops() {
  const std::vector<std::string_view> arg{"axis", "keepdims", "select_last_index"};
  return {
      {"ArgMax", {arg_extreme<true>, 1, 17, arg}},
      {"ArgMin", {arg_extreme<false>, 1, 17, arg}},
      {"TopK", {top_k, 1, 17, {"axis", "k", "largest", "sorted"}}},
      {"CumSum", {cum_sum, 11, 17, {"exclusive", "reverse"}}},
  };
}

}  // namespace cairn::engine::ops
