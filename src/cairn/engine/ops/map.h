// One input element makes one output element.
#pragma once

#include "cairn/engine/ops/common.h"

namespace cairn::engine::ops {

// output 0 = f(input 0), in the input's type; f computes Half in float.
template <typename List, typename F>
void map(OpContext& ctx, List list, F f) {
  const Tensor& x = ctx.input(0);
  dispatch(ctx, x.dtype(), list, [&]<typename T>() {
    const T* in = x.data<T>();
    T* out = ctx.make_output(0, x.dtype(), x.shape()).template data<T>();
    for (size_t i = 0; i < x.count(); ++i) out[i] = static_cast<T>(f(Compute<T>(in[i])));
  });
}

// output 0 = f(input 0), in the type To.
template <typename To, typename List, typename F>
void map_to(OpContext& ctx, List list, F f) {
  const Tensor& x = ctx.input(0);
  dispatch(ctx, x.dtype(), list, [&]<typename T>() {
    const T* in = x.data<T>();
    To* out = ctx.make_output(0, dtype_of<To>(), x.shape()).template data<To>();
    for (size_t i = 0; i < x.count(); ++i) out[i] = static_cast<To>(f(Compute<T>(in[i])));
  });
}

}  // namespace cairn::engine::ops
