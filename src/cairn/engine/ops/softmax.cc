// Softmax, LogSoftmax and Hardmax.
#include <algorithm>
#include <cmath>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

// The input as [outer, count, inner], normalised over count. Before opset 13 that is everything
// from the axis (1) on; since, the axis (-1) alone.
struct Extent {
  size_t outer, count, inner;
};

Extent extent_of(const OpContext& ctx) {
  const Shape& shape = ctx.input(0).shape();
  if (ctx.opset < 13) {
    const int64_t axis = ctx.node.get_int("axis", 1);
    // The axis may be the rank here: rows of one element.
    const size_t at = axis == static_cast<int64_t>(shape.size()) ? shape.size()
                                                                 : axis_of(ctx, axis, shape.size());
    return {product(shape, 0, at), product(shape, at, shape.size()), 1};
  }
  if (shape.empty()) return {1, 1, 1};
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", -1), shape.size());
  return {product(shape, 0, axis), static_cast<size_t>(shape[axis]),
          product(shape, axis + 1, shape.size())};
}

// Calls body(in, out, count, inner) on every [count, inner] part.
template <typename Body>
void for_each_part(OpContext& ctx, Body&& body) {
  const Tensor& x = ctx.input(0);
  const Extent extent = extent_of(ctx);
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  if (y.count() == 0) return;
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    const size_t part = extent.count * extent.inner;
    for (size_t i = 0; i < extent.outer; ++i) {
      body(x.data<T>() + i * part, y.data<T>() + i * part, extent.count, extent.inner);
    }
  });
}

template <typename T>
std::vector<Compute<T>> maxima(const T* in, size_t count, size_t inner) {
  std::vector<Compute<T>> best(in, in + inner);
  for (size_t i = 1; i < count; ++i) {
    for (size_t j = 0; j < inner; ++j) best[j] = std::max(best[j], Compute<T>(in[i * inner + j]));
  }
  return best;
}

// One row, without memory of its own.
template <bool kLog, typename T>
void normalise_row(const T* in, T* out, size_t count) {
  using C = Compute<T>;
  C best(in[0]);
  for (size_t i = 1; i < count; ++i) best = std::max(best, C(in[i]));
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const C shifted = C(in[i]) - best;
    const C power = std::exp(shifted);
    sum += power;
    out[i] = static_cast<T>(kLog ? shifted : power);
  }
  const C scale = static_cast<C>(kLog ? std::log(sum) : 1 / sum);
  for (size_t i = 0; i < count; ++i) {
    out[i] = static_cast<T>(kLog ? C(out[i]) - scale : C(out[i]) * scale);
  }
}

template <bool kLog, typename T>
void normalise(const T* in, T* out, size_t count, size_t inner) {
  if (inner == 1) return normalise_row<kLog>(in, out, count);
  using C = Compute<T>;
  const std::vector<C> best = maxima(in, count, inner);
  std::vector<double> sums(inner, 0);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < inner; ++j) {
      const size_t at = i * inner + j;
      const C shifted = C(in[at]) - best[j];
      const C power = std::exp(shifted);
      sums[j] += power;
      out[at] = static_cast<T>(kLog ? shifted : power);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < inner; ++j) {
      const size_t at = i * inner + j;
      const C value(out[at]);
      out[at] = static_cast<T>(kLog ? value - static_cast<C>(std::log(sums[j]))
                                    : value / static_cast<C>(sums[j]));
    }
  }
}

void softmax(OpContext& ctx) {
  for_each_part(ctx, [](const auto* in, auto* out, size_t count, size_t inner) {
    normalise<false>(in, out, count, inner);
  });
}

void log_softmax(OpContext& ctx) {
  for_each_part(ctx, [](const auto* in, auto* out, size_t count, size_t inner) {
    normalise<true>(in, out, count, inner);
  });
}

// 1 at the first maximum, 0 elsewhere.
void hardmax(OpContext& ctx) {
  for_each_part(ctx, [](const auto* in, auto* out, size_t count, size_t inner) {
    using T = std::remove_pointer_t<decltype(out)>;
    std::fill_n(out, count * inner, T(0.0F));
    for (size_t j = 0; j < inner; ++j) {
      size_t best = 0;
      for (size_t i = 1; i < count; ++i) {
        if (Compute<T>(in[i * inner + j]) > Compute<T>(in[best * inner + j])) best = i;
      }
      out[best * inner + j] = T(1.0F);
    }
  });
}

}  // namespace

std::vector<OpEntry> softmax_ops() {
  return {
      {"Softmax", {softmax, 1, 17, {"axis"}}},
      {"LogSoftmax", {log_softmax, 1, 17, {"axis"}}},
      {"Hardmax", {hardmax, 1, 17, {"axis"}}},
  };
}

}  // namespace cairn::engine::ops
