// MaxPool, AveragePool, LpPool, their global forms, and MaxUnpool.
#include <cmath>
#include <limits>

#include "cairn/engine/ops/families.h"
#include "cairn/engine/ops/window.h"

namespace cairn::engine::ops {

namespace {

struct Pool {
  Shape output;
  Taps taps;
  size_t planes, in, out, stride;
};

Pool plan_pool(const OpContext& ctx, const Window& window) {
  const Tensor& x = ctx.input(0);
  Pool pool;
  pool.output = {x.dim(0), x.dim(1)};
  pool.output.insert(pool.output.end(), window.output.begin(), window.output.end());
  pool.taps = {window.output,  spatial(x.shape()), window.kernel,
               window.strides, window.dilations,   window.pads_begin};
  pool.planes = product(x.shape(), 0, 2);
  pool.in = product(x.shape(), 2, x.shape().size());
  pool.out = product(window.output, 0, window.output.size());
  pool.stride = static_cast<size_t>(window.strides.back());
  return pool;
}

// A row-major offset of a plane as a column-major one.
int64_t column_major(size_t offset, const Shape& plane) {
  int64_t result = 0;
  int64_t step = 1;
  std::vector<int64_t> position(plane.size());
  for (size_t i = plane.size(); i-- > 0;) {
    position[i] = static_cast<int64_t>(offset) % plane[i];
    offset /= static_cast<size_t>(plane[i]);
  }
  for (size_t i = 0; i < plane.size(); ++i) {
    result += position[i] * step;
    step *= plane[i];
  }
  return result;
}

// NaN wins over every number and stays.
template <typename T>
bool exceeds(T value, T best) {
  return value > best || value != value;
}

template <typename T>
constexpr Compute<T> lowest() {
  using C = Compute<T>;
  if constexpr (std::is_floating_point_v<C>) return -std::numeric_limits<C>::infinity();
  return std::numeric_limits<C>::lowest();
}

using PoolTypes = Types<float, double, Half, int8_t, uint8_t>;

void max_pool(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  expect_rank_at_least(ctx, x, 3);
  const Pool pool = plan_pool(ctx, read_window(ctx, x.shape()));
  const bool by_columns = ctx.node.get_int("storage_order", 0) != 0;
  ctx.make_output(0, x.dtype(), pool.output);
  int64_t* indices = nullptr;
  if (ctx.has_output(1)) {
    indices = ctx.make_output(1, DType::kI64, pool.output).data<int64_t>();
  }
  const size_t count = ctx.outputs[0].count();
  if (count == 0) return;
  if (indices) std::fill_n(indices, count, 0);
  dispatch(ctx, x.dtype(), PoolTypes{}, [&]<typename T>() {
    T* y = ctx.outputs[0].data<T>();
    std::fill_n(y, count, static_cast<T>(lowest<T>()));
    for (size_t plane = 0; plane < pool.planes; ++plane) {
      const T* in = x.data<T>() + plane * pool.in;
      pool.taps.for_each_run([&](size_t, size_t to, size_t from, size_t length) {
        const size_t start = plane * pool.out + to;
        T* out = y + start;
        if (!indices) {
          for (size_t i = 0; i < length; ++i) {
            const Compute<T> value(in[from + i * pool.stride]);
            out[i] = exceeds(value, Compute<T>(out[i])) ? static_cast<T>(value) : out[i];
          }
          return;
        }
        for (size_t i = 0; i < length; ++i) {
          const size_t at = from + i * pool.stride;
          if (!exceeds(Compute<T>(in[at]), Compute<T>(out[i]))) continue;
          out[i] = in[at];
          indices[start + i] =
              static_cast<int64_t>(plane * pool.in) +
              (by_columns ? column_major(at, pool.taps.large) : static_cast<int64_t>(at));
        }
      });
    }
  });
}

// y += f(x) over each window, in Compute<T>.
template <typename T, typename F>
std::vector<Compute<T>> window_sums(const Pool& pool, const T* x, F f) {
  std::vector<Compute<T>> sums(pool.planes * pool.out, Compute<T>(0));
  for (size_t plane = 0; plane < pool.planes; ++plane) {
    const T* in = x + plane * pool.in;
    Compute<T>* out = sums.data() + plane * pool.out;
    pool.taps.for_each_run([&](size_t, size_t to, size_t from, size_t length) {
      for (size_t i = 0; i < length; ++i) {
        out[to + i] += f(Compute<T>(in[from + i * pool.stride]));
      }
    });
  }
  return sums;
}

// How many elements each window averages: those inside the input, or inside its padding too.
std::vector<float> window_counts(Taps taps, const Window& window, size_t out, bool with_padding) {
  if (with_padding) {
    for (size_t i = 0; i < taps.large.size(); ++i) {
      taps.large[i] += window.pads_begin[i] + window.pads_end[i];
      taps.pads[i] = 0;
    }
  }
  std::vector<float> counts(out, 0);
  taps.for_each_run([&](size_t, size_t to, size_t, size_t length) {
    for (size_t i = 0; i < length; ++i) counts[to + i] += 1;
  });
  return counts;
}

void average_pool(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  expect_rank_at_least(ctx, x, 3);
  const Window window = read_window(ctx, x.shape());
  const Pool pool = plan_pool(ctx, window);
  Tensor& y = ctx.make_output(0, x.dtype(), pool.output);
  if (y.count() == 0) return;
  const bool with_padding = ctx.node.get_int("count_include_pad", 0) != 0;
  const std::vector<float> counts = window_counts(pool.taps, window, pool.out, with_padding);
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    const auto sums = window_sums(pool, x.data<T>(), [](auto v) { return v; });
    for (size_t i = 0; i < sums.size(); ++i) {
      // A window that lies in the padding alone averages nothing: 0.
      const float count = counts[i % pool.out];
      y.data<T>()[i] = static_cast<T>(sums[i] / (count > 0 ? count : 1));
    }
  });
}

double norm_of(const OpContext& ctx) {
  const int64_t p = ctx.node.get_int("p", 2);
  if (p < 1) ctx.fail("attribute \"p\" must be at least 1");
  return static_cast<double>(p);
}

void lp_pool(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  expect_rank_at_least(ctx, x, 3);
  const double p = norm_of(ctx);
  const Pool pool = plan_pool(ctx, read_window(ctx, x.shape()));
  Tensor& y = ctx.make_output(0, x.dtype(), pool.output);
  if (y.count() == 0) return;
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    using C = Compute<T>;
    const auto sums = window_sums(pool, x.data<T>(), [p](auto v) {
      return static_cast<decltype(v)>(std::pow(std::abs(v), p));
    });
    for (size_t i = 0; i < sums.size(); ++i) {
      y.data<T>()[i] = static_cast<T>(static_cast<C>(std::pow(sums[i], 1 / p)));
    }
  });
}

// One number for each plane: reduce(values as Compute<T>, count).
template <typename Reduce>
void global_pool(OpContext& ctx, Reduce reduce) {
  const Tensor& x = ctx.input(0);
  expect_rank_at_least(ctx, x, 3);
  Shape shape(x.shape().size(), 1);
  shape[0] = x.dim(0);
  shape[1] = x.dim(1);
  const size_t plane = product(x.shape(), 2, x.shape().size());
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  if (plane == 0 && y.count() > 0) ctx.fail("the input has no elements to pool");
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    for (size_t i = 0; i < y.count(); ++i) {
      y.data<T>()[i] =
          static_cast<T>(static_cast<Compute<T>>(reduce(x.data<T>() + i * plane, plane)));
    }
  });
}

void global_average_pool(OpContext& ctx) {
  global_pool(ctx, [](const auto* values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) sum += values[i];
    return sum / static_cast<double>(count);
  });
}

void global_max_pool(OpContext& ctx) {
  global_pool(ctx, [](const auto* values, size_t count) {
    double best = -std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < count; ++i) {
      const double value = values[i];
      if (exceeds(value, best)) best = value;
    }
    return best;
  });
}

void global_lp_pool(OpContext& ctx) {
  const double p = norm_of(ctx);
  global_pool(ctx, [p](const auto* values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) {
      sum += std::pow(std::abs(static_cast<double>(values[i])), p);
    }
    return std::pow(sum, 1 / p);
  });
}

// Scatters the maxima to where MaxPool took them from; the rest is 0. The indices count within the
// tensor that was pooled, which may be smaller than a given output_shape.
void max_unpool(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Tensor& indices = ctx.input(1);
  expect_rank_at_least(ctx, x, 3);
  if (indices.dtype() != DType::kI64 || indices.shape() != x.shape()) {
    ctx.fail("the indices must be int64 of the shape of the input");
  }
  // Its output is the input of the pool: the window of a transposed convolution.
  const Window window = read_transposed_window(ctx, x.shape(), required_ints(ctx, "kernel_shape"));
  Shape pooled = {x.dim(0), x.dim(1)};
  pooled.insert(pooled.end(), window.output.begin(), window.output.end());
  const size_t pooled_count = element_count(pooled);
  const Shape shape = ctx.has_input(2) ? integers(ctx, 2) : pooled;
  if (shape.size() != pooled.size()) ctx.fail("output_shape has the wrong length");
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < pooled[i]) ctx.fail("output_shape is smaller than what was pooled");
  }
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  const std::vector<size_t> from = strides_of(pooled);
  const std::vector<size_t> to = strides_of(shape);
  dispatch(ctx, x.dtype(), PoolTypes{}, [&]<typename T>() {
    std::fill_n(y.data<T>(), y.count(), T(0));
    for (size_t i = 0; i < x.count(); ++i) {
      auto index = static_cast<size_t>(indices.data<int64_t>()[i]);
      if (index >= pooled_count) ctx.fail("an index is out of range");
      size_t at = 0;
      for (size_t axis = 0; axis < from.size(); ++axis) {
        at += index / from[axis] * to[axis];
        index %= from[axis];
      }
      y.data<T>()[at] = x.data<T>()[i];
    }
  });
}

}  // namespace

std::vector<OpEntry> pool_ops() {
  return {
      {"MaxPool",
       {max_pool,
        1,
        17,
        {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order",
         "strides"}}},
      {"AveragePool",
       {average_pool,
        1,
        17,
        {"auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"}}},
      {"LpPool", {lp_pool, 2, 17, {"auto_pad", "kernel_shape", "p", "pads", "strides"}}},
      {"GlobalAveragePool", {global_average_pool}},
      {"GlobalMaxPool", {global_max_pool}},
      {"GlobalLpPool", {global_lp_pool, 2, 17, {"p"}}},
      {"MaxUnpool", {max_unpool, 9, 17, {"kernel_shape", "pads", "strides"}}},
  };
}

}  // namespace cairn::engine::ops
