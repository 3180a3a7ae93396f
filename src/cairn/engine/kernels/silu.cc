#include "cairn/engine/kernels/silu.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/engine/kernels/silu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::engine::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// exp(-x) as 2^n * 2^f with whole n and |f| <= 1/2; 2^f by its Taylor polynomial, whose next term
// is below 2^-22. The bounds keep 2^n a normal float; beyond them the sigmoid is 0 or 1 in float.
template <class D, class V = hn::Vec<D>>
V exp_of_minus(D d, V x) {
  constexpr float kBound = 126;
  constexpr float kLog2E = 1.44269504f;
  const V z =
      hn::Min(hn::Max(hn::Mul(x, hn::Set(d, -kLog2E)), hn::Set(d, -kBound)), hn::Set(d, kBound));
  const V n = hn::Round(z);
  const V f = hn::Sub(z, n);
  V p = hn::Set(d, 1.54035304e-4f);
  p = hn::MulAdd(p, f, hn::Set(d, 1.33335581e-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 9.61812911e-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 5.55041087e-2f));
  p = hn::MulAdd(p, f, hn::Set(d, 2.40226507e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 6.93147181e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 1));
  const hn::RebindToSigned<D> di;
  const auto power = hn::ShiftLeft<23>(hn::ConvertTo(di, n));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, p), power));
}

template <class D>
void silu_at(D d, float* x) {
  const auto v = hn::LoadU(d, x);
  const auto one_and_exp = hn::Add(hn::Set(d, 1), exp_of_minus(d, v));
  // A division is slow; one Newton step doubles the 11 bits that the approximation has at least.
  auto r = hn::ApproximateReciprocal(one_and_exp);
  r = hn::Mul(r, hn::NegMulAdd(one_and_exp, r, hn::Set(d, 2)));
  hn::StoreU(hn::Mul(v, r), d, x);
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
