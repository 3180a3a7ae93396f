// Gemm and MatMul.
#include <vector>

#include "cairn/engine/ops/families.h"
#include "cairn/engine/ops/zip.h"

namespace cairn::engine::ops {

namespace {

// c[m, n] += a[m, k] · b[k, n], row-major; c holds the start values. The inner loop runs along rows
// of b and c, so it vectorises.
template <typename T>
void multiply(const T* a, const T* b, T* c, size_t m, size_t n, size_t k) {
  for (size_t i = 0; i < m; ++i) {
    T* row = c + i * n;
    for (size_t p = 0; p < k; ++p) {
      const T factor = a[i * k + p];
      const T* other = b + p * n;
      for (size_t j = 0; j < n; ++j) row[j] = wrapping_add(row[j], wrapping_mul(factor, other[j]));
    }
  }
}

// A matrix as Compute<T>, transposed where asked for.
template <typename T>
std::vector<Compute<T>> matrix(const T* in, size_t rows, size_t columns, bool transposed) {
  std::vector<Compute<T>> result(rows * columns);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      result[i * columns + j] = Compute<T>(in[transposed ? j * rows + i : i * columns + j]);
    }
  }
  return result;
}

using MatrixTypes = Types<float, double, Half, int32_t, int64_t, uint32_t, uint64_t>;

// Scales by a float attribute; 1 leaves integers exact.
template <typename T>
T scaled(T value, float factor) {
  return factor == 1.0F ? value
                        : convert<T>(static_cast<double>(factor) * static_cast<double>(value));
}

void gemm(OpContext& ctx) {
  const Tensor& a = ctx.input(0);
  const Tensor& b = ctx.input(1);
  expect_same_type(ctx, a, b);
  if (a.shape().size() != 2 || b.shape().size() != 2) ctx.fail("A and B must be matrices");
  if (ctx.opset >= 7 && ctx.node.has_attribute("broadcast")) {
    ctx.fail("attribute \"broadcast\" ended with opset 6");
  }
  const bool transpose_a = ctx.node.get_int("transA", 0) != 0;
  const bool transpose_b = ctx.node.get_int("transB", 0) != 0;
  const float alpha = ctx.node.get_float("alpha", 1.0F);
  const float beta = ctx.node.get_float("beta", 1.0F);
  const int64_t m = a.dim(transpose_a ? 1 : 0), k = a.dim(transpose_a ? 0 : 1);
  const int64_t n = b.dim(transpose_b ? 0 : 1);
  if (b.dim(transpose_b ? 1 : 0) != k) {
    ctx.fail("shapes " + to_string(a.shape()) + " and " + to_string(b.shape()) + " do not match");
  }
  const auto rows = static_cast<size_t>(m), columns = static_cast<size_t>(n),
             inner = static_cast<size_t>(k);
  Tensor& y = ctx.make_output(0, a.dtype(), {m, n});
  dispatch(ctx, a.dtype(), MatrixTypes{}, [&]<typename T>() {
    using C = Compute<T>;
    std::vector<C> sums(rows * columns, C(0));
    multiply(matrix(a.data<T>(), rows, inner, transpose_a).data(),
             matrix(b.data<T>(), inner, columns, transpose_b).data(), sums.data(), rows, columns,
             inner);
    for (C& sum : sums) sum = scaled(sum, alpha);
    if (ctx.has_input(2)) {
      const Tensor& c = ctx.input(2);
      expect_same_type(ctx, a, c);
      if (broadcast(ctx, std::array{y.shape(), c.shape()}) != y.shape()) {
        ctx.fail("C of shape " + to_string(c.shape()) + " does not broadcast to " +
                 to_string(y.shape()));
      }
      const BroadcastWalk<1> walk(y.shape(), {c.shape()});
      walk.for_each_row([&](size_t at, const std::array<size_t, 1>& in, size_t length) {
        for (size_t i = 0; i < length; ++i) {
          const C value(c.data<T>()[in[0] + i * walk.step(0)]);
          sums[at + i] = wrapping_add(sums[at + i], scaled(value, beta));
        }
      });
    }
    for (size_t i = 0; i < sums.size(); ++i) y.data<T>()[i] = static_cast<T>(sums[i]);
  });
}

// NumPy's matmul: leading axes broadcast; a vector is a row on the left, a column on the right.
void mat_mul(OpContext& ctx) {
  const Tensor& a = ctx.input(0);
  const Tensor& b = ctx.input(1);
  expect_same_type(ctx, a, b);
  expect_rank_at_least(ctx, a, 1);
  expect_rank_at_least(ctx, b, 1);
  Shape left = a.shape(), right = b.shape();
  if (left.size() == 1) left.insert(left.begin(), 1);
  if (right.size() == 1) right.push_back(1);
  const auto m = static_cast<size_t>(left[left.size() - 2]);
  const auto k = static_cast<size_t>(left.back());
  const auto n = static_cast<size_t>(right.back());
  if (right[right.size() - 2] != left.back()) {
    ctx.fail("shapes " + to_string(a.shape()) + " and " + to_string(b.shape()) + " do not match");
  }
  left.resize(left.size() - 2);
  right.resize(right.size() - 2);
  const Shape batch = broadcast(ctx, std::array{left, right});
  Shape shape = batch;
  if (a.shape().size() > 1) shape.push_back(static_cast<int64_t>(m));
  if (b.shape().size() > 1) shape.push_back(static_cast<int64_t>(n));
  Tensor& y = ctx.make_output(0, a.dtype(), shape);
  if (y.count() == 0) return;
  const BroadcastWalk<2> walk(batch, {left, right});
  dispatch(ctx, a.dtype(), MatrixTypes{}, [&]<typename T>() {
    using C = Compute<T>;
    std::vector<C> sums(m * n);
    walk.for_each_row([&](size_t at, const std::array<size_t, 2>& in, size_t length) {
      for (size_t i = 0; i < length; ++i) {
        const T* u = a.data<T>() + (in[0] + i * walk.step(0)) * m * k;
        const T* v = b.data<T>() + (in[1] + i * walk.step(1)) * k * n;
        std::fill(sums.begin(), sums.end(), C(0));
        if constexpr (std::is_same_v<T, C>) {
          multiply(u, v, sums.data(), m, n, k);
        } else {
          multiply(matrix(u, m, k, false).data(), matrix(v, k, n, false).data(), sums.data(), m, n,
                   k);
        }
        T* out = y.data<T>() + (at + i) * m * n;
        for (size_t j = 0; j < sums.size(); ++j) out[j] = static_cast<T>(sums[j]);
      }
    });
  });
}

}  // namespace

std::vector<OpEntry> matmul_ops() {
  return {
      {"Gemm", {gemm, 6, 17, {"alpha", "beta", "transA", "transB", "broadcast"}}},
      {"MatMul", {mat_mul}},
  };
}

}  // namespace cairn::engine::ops
