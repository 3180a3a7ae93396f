// Comparisons, logic and Where.
#include "cairn/engine/ops/families.h"
#include "cairn/engine/ops/zip.h"

namespace cairn::engine::ops {

namespace {

void equal(OpContext& ctx) {
  zip<Bool>(ctx, AnyType{}, [](auto a, auto b) { return a == b; });
}
void less(OpContext& ctx) {
  zip<Bool>(ctx, Numbers{}, [](auto a, auto b) { return a < b; });
}
void less_or_equal(OpContext& ctx) {
  zip<Bool>(ctx, Numbers{}, [](auto a, auto b) { return a <= b; });
}
void greater(OpContext& ctx) {
  zip<Bool>(ctx, Numbers{}, [](auto a, auto b) { return a > b; });
}
void greater_or_equal(OpContext& ctx) {
  zip<Bool>(ctx, Numbers{}, [](auto a, auto b) { return a >= b; });
}
void logical_and(OpContext& ctx) {
  zip<Bool>(ctx, Types<Bool>{}, [](bool a, bool b) { return a && b; });
}
void logical_or(OpContext& ctx) {
  zip<Bool>(ctx, Types<Bool>{}, [](bool a, bool b) { return a || b; });
}
void logical_xor(OpContext& ctx) {
  zip<Bool>(ctx, Types<Bool>{}, [](bool a, bool b) { return a != b; });
}

void where(OpContext& ctx) {
  const Tensor& condition = ctx.input(0);
  const Tensor& x = ctx.input(1);
  const Tensor& y = ctx.input(2);
  if (condition.dtype() != DType::kBool) ctx.fail("the condition must be bool");
  expect_same_type(ctx, x, y);
  const std::array shapes{condition.shape(), x.shape(), y.shape()};
  Tensor& output = ctx.make_output(0, x.dtype(), broadcast(ctx, shapes));
  const BroadcastWalk<3> walk(output.shape(), shapes);
  dispatch_size(x.dtype(), [&]<typename T>() {
    walk.for_each_row([&](size_t at, const std::array<size_t, 3>& in, size_t length) {
      const Bool* c = condition.data<Bool>() + in[0];
      const T* u = x.data<T>() + in[1];
      const T* v = y.data<T>() + in[2];
      T* out = output.data<T>() + at;
      for (size_t i = 0; i < length; ++i) {
        out[i] = c[i * walk.step(0)] ? u[i * walk.step(1)] : v[i * walk.step(2)];
      }
    });
  });
}

}  // namespace

std::vector<OpEntry> compare_ops() {
  return {
      {"Equal", {equal, 1, 17, {"axis", "broadcast"}}},
      {"Less", {less, 1, 17, {"axis", "broadcast"}}},
      {"LessOrEqual", {less_or_equal, 12}},
      {"Greater", {greater, 1, 17, {"axis", "broadcast"}}},
      {"GreaterOrEqual", {greater_or_equal, 12}},
      {"And", {logical_and, 1, 17, {"axis", "broadcast"}}},
      {"Or", {logical_or, 1, 17, {"axis", "broadcast"}}},
      {"Xor", {logical_xor, 1, 17, {"axis", "broadcast"}}},
      {"Where", {where, 9}},
  };
}

}  // namespace cairn::engine::ops
