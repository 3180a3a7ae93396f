#include "cairn/engine/kernels/silu.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/engine/kernels/silu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "cairn/base/sigmoid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::engine::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using cairn::HWY_NAMESPACE::sigmoid;

template <class D>
void silu_at(D d, float* x) {
  const auto v = hn::LoadU(d, x);
  hn::StoreU(hn::Mul(v, sigmoid(d, v)), d, x);
}

void silu_impl(float* x, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) silu_at(d, x + i);
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i) silu_at(one, x + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::engine::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::engine::kernels {

HWY_EXPORT(silu_impl);

void silu(float* x, size_t count) { HWY_DYNAMIC_DISPATCH(silu_impl)(x, count); }

}  // namespace cairn::engine::kernels
#endif  // HWY_ONCE
