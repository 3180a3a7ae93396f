// Vectors of float32 from and to memory that holds float32, bfloat16 or 8 bits. Included once for
// each target of Highway's run-time dispatch.
#if defined(CAIRN_ENGINE_KERNELS_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAIRN_ENGINE_KERNELS_BF16_INL_H_
#undef CAIRN_ENGINE_KERNELS_BF16_INL_H_
#else
#define CAIRN_ENGINE_KERNELS_BF16_INL_H_
#endif

#include <hwy/highway.h>

#include "cairn/engine/kernels/bf16.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::engine::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Added to a number below 2^22, this leaves the nearest integer in the lowest bits.
constexpr float kRounding = 12582912;  // 1.5 × 2^23

template <class D>
hn::Vec<D> load(D d, const float* x) {
  return hn::LoadU(d, x);
}

template <class D>
hn::Vec<D> load(D d, const Bf16* x) {
  const hn::Rebind<uint16_t, D> half;
  const hn::Rebind<uint32_t, D> bits;
  const auto upper = hn::LoadU(half, reinterpret_cast<const uint16_t*>(x));
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(bits, upper)));
}

// Whole numbers of 8 bits (uint8_t or int8_t) as float32.
template <class D, typename Byte, hwy::EnableIf<sizeof(Byte) == 1>* = nullptr>
hn::Vec<D> load(D d, const Byte* x) {
  const hn::Rebind<Byte, D> bytes;
  return hn::ConvertTo(d, hn::PromoteTo(hn::RebindToSigned<D>(), hn::LoadU(bytes, x)));
}

template <class D>
void store(hn::Vec<D> v, D d, float* x) {
  hn::StoreU(v, d, x);
}

// Rounds as to_bf16 does.
template <class D>
void store(hn::Vec<D> v, D /*d*/, Bf16* x) {
  const hn::Rebind<uint16_t, D> half;
  const hn::Rebind<uint32_t, D> u32;
  const hn::Rebind<int32_t, D> i32;
  const auto bits = hn::BitCast(u32, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(u32, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(u32, 0x7FFF)));
  const auto quiet = hn::Or(bits, hn::Set(u32, 0x400000));
  const auto chosen = hn::IfThenElse(hn::RebindMask(u32, hn::IsNaN(v)), quiet, rounded);
  const auto upper = hn::DemoteTo(half, hn::BitCast(i32, hn::ShiftRight<16>(chosen)));
  hn::StoreU(upper, half, reinterpret_cast<uint16_t*>(x));
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::engine::kernels
HWY_AFTER_NAMESPACE();

#endif  // per target
