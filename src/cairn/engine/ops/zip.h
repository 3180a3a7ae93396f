// Two broadcast inputs make one output, element by element.
#pragma once

#include "cairn/engine/ops/common.h"

namespace cairn::engine::ops {

// Shape of input 1 as it lines up with input 0. Before opset 7 it lines up at the attribute "axis"
// (the attribute "broadcast" allows it), since then at the end.
Shape second_shape(const OpContext& ctx);

// output[i] = f(a[i], b[i]) for broadcast tensors whose elements are A and B.
template <typename A, typename B, typename Out, typename F>
void zip_rows(const Tensor& a, const Tensor& b, const Shape& b_shape, Tensor& output, F f) {
  const BroadcastWalk<2> walk(output.shape(), {a.shape(), b_shape});
  const A* first = a.data<A>();
  const B* second = b.data<B>();
  Out* result = output.data<Out>();
  walk.for_each_row([&](size_t at, const std::array<size_t, 2>& in, size_t length) {
    const A* u = first + in[0];
    const B* v = second + in[1];
    Out* out = result + at;
    if (walk.step(0) == 0) {
      const Compute<A> value(*u);
      for (size_t i = 0; i < length; ++i) {
        out[i] = static_cast<Out>(f(value, Compute<B>(v[i * walk.step(1)])));
      }
    } else if (walk.step(1) == 0) {
      const Compute<B> value(*v);
      for (size_t i = 0; i < length; ++i) out[i] = static_cast<Out>(f(Compute<A>(u[i]), value));
    } else {
      for (size_t i = 0; i < length; ++i) {
        out[i] = static_cast<Out>(f(Compute<A>(u[i]), Compute<B>(v[i])));
      }
    }
  });
}

// output 0 = f(input 0, input 1) for inputs of one type; Out is void for that same type.
template <typename Out, typename List, typename F>
void zip(OpContext& ctx, List list, F f) {
  const Tensor& a = ctx.input(0);
  const Tensor& b = ctx.input(1);
  expect_same_type(ctx, a, b);
  const Shape b_shape = second_shape(ctx);
  const Shape shape = broadcast(ctx, std::array{a.shape(), b_shape});
  dispatch(ctx, a.dtype(), list, [&]<typename T>() {
    using To = std::conditional_t<std::is_void_v<Out>, T, Out>;
    Tensor& output = ctx.make_output(0, dtype_of<To>(), shape);
    zip_rows<T, T, To>(a, b, b_shape, output, f);
  });
}

}  // namespace cairn::engine::ops
