#include "cairn/engine/kernels/silu.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/engine/kernels/silu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "cairn/base/sigmoid-inl.h"
#include "cairn/engine/kernels/bf16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::engine::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using cairn::HWY_NAMESPACE::sigmoid;

template <class D, typename T>
void silu_at(D d, const float* x, T* y) {
  const auto v = hn::LoadU(d, x);
  store(hn::Mul(v, sigmoid(d, v)), d, y);
}

template <typename T>
void silu_of(const float* x, T* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) silu_at(d, x + i, y + i);
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i) silu_at(one, x + i, y + i);
}

void silu_f32(float* x, size_t count) { silu_of(x, x, count); }
void silu_bf16(const float* x, Bf16* y, size_t count) { silu_of(x, y, count); }

void round_impl(const float* x, Bf16* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) store(hn::LoadU(d, x + i), d, y + i);
  for (; i < count; ++i) y[i] = to_bf16(x[i]);
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::engine::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::engine::kernels {

HWY_EXPORT(silu_f32);
HWY_EXPORT(silu_bf16);
HWY_EXPORT(round_impl);

void silu(float* x, size_t count) { HWY_DYNAMIC_DISPATCH(silu_f32)(x, count); }

void silu(const float* x, Bf16* y, size_t count) { HWY_DYNAMIC_DISPATCH(silu_bf16)(x, y, count); }

void round(const float* x, Bf16* y, size_t count) { HWY_DYNAMIC_DISPATCH(round_impl)(x, y, count); }

}  // namespace cairn::engine::kernels
#endif  // HWY_ONCE
