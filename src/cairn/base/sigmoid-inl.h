// The exponential of the sigmoid in vectors (Highway). Included once for every instruction set,
// inside files that highway's foreach_target.h compiles several times.
#if defined(CAIRN_BASE_SIGMOID_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAIRN_BASE_SIGMOID_INL_H_
#undef CAIRN_BASE_SIGMOID_INL_H_
#else
#define CAIRN_BASE_SIGMOID_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn {
namespace HWY_NAMESPACE {

// exp(-x) as 2^n * 2^f with whole n and |f| <= 1/2; 2^f by its Taylor polynomial, whose next term
// is below 2^-22. The bounds keep 2^n a normal float; beyond them the sigmoid is 0 or 1 in float.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V exp_of_minus(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
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

// 1 / (1 + exp(-x)). A division is slow; one Newton step doubles the 11 bits that the approximation
// has at least.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V one_and_exp = hn::Add(hn::Set(d, 1), exp_of_minus(d, x));
  const V r = hn::ApproximateReciprocal(one_and_exp);
  return hn::Mul(r, hn::NegMulAdd(one_and_exp, r, hn::Set(d, 2)));
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn
HWY_AFTER_NAMESPACE();

#endif
