#include "cairn/engine/kernels/quantise.h"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/engine/kernels/quantise.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "cairn/engine/kernels/bf16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::engine::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <typename To, class D, typename From>
hn::Vec<hn::Rebind<To, D>> steps_at(D d, const From* x, float scale, int32_t zero) {
  const hn::RebindToUnsigned<D> bits;
  const hn::Rebind<To, D> to;
  const auto low = hn::Set(d, static_cast<float>(std::numeric_limits<To>::min() - zero));
  const auto high = hn::Set(d, static_cast<float>(std::numeric_limits<To>::max() - zero));
  const auto steps = hn::Min(hn::Max(hn::Div(load(d, x), hn::Set(d, scale)), low), high);
  const auto rounded = hn::BitCast(bits, hn::Add(steps, hn::Set(d, kRounding)));
  const auto shifted = hn::Add(rounded, hn::Set(bits, static_cast<uint32_t>(zero)));
  return hn::BitCast(to, hn::U8FromU32(hn::And(shifted, hn::Set(bits, 255))));
}

template <class D, typename From, typename To>
void quantise_at(D d, const From* x, To* y, float scale, int32_t zero) {
  hn::StoreU(steps_at<To>(d, x, scale, zero), hn::Rebind<To, D>(), y);
}

template <class D, typename From, typename To>
void dequantise_at(D d, const From* x, To* y, float scale, int32_t zero) {
  const auto steps = hn::Sub(load(d, x), hn::Set(d, static_cast<float>(zero)));
  store(hn::Mul(steps, hn::Set(d, scale)), d, y);
}

// body(d, i) for whole vectors from number i on, then for single ones.
template <class Body>
void for_all(size_t count, Body body) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) body(d, i);
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i) body(one, i);
}

void quantise_planes_impl(const float* x, uint8_t* y, float scale, int32_t zero, size_t positions) {
  for_all(positions, [=](auto d, size_t i) {
    hn::StoreInterleaved3(steps_at<uint8_t>(d, x + i, scale, zero),
                          steps_at<uint8_t>(d, x + positions + i, scale, zero),
                          steps_at<uint8_t>(d, x + 2 * positions + i, scale, zero),
                          hn::Rebind<uint8_t, decltype(d)>(), y + 3 * i);
  });
}

#define CAIRN_QUANTISE(NAME, FLOAT, BYTE)                                                    \
  void quantise_##NAME(const FLOAT* x, BYTE* y, float scale, int32_t zero, size_t count) {   \
    for_all(count, [=](auto d, size_t i) { quantise_at(d, x + i, y + i, scale, zero); });    \
  }                                                                                          \
  void dequantise_##NAME(const BYTE* x, FLOAT* y, float scale, int32_t zero, size_t count) { \
    for_all(count, [=](auto d, size_t i) { dequantise_at(d, x + i, y + i, scale, zero); });  \
  }
CAIRN_QUANTISE(f32_u8, float, uint8_t)
CAIRN_QUANTISE(f32_s8, float, int8_t)
CAIRN_QUANTISE(bf16_u8, Bf16, uint8_t)
CAIRN_QUANTISE(bf16_s8, Bf16, int8_t)
#undef CAIRN_QUANTISE

}  // namespace HWY_NAMESPACE
}  // namespace cairn::engine::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::engine::kernels {

HWY_EXPORT(quantise_planes_impl);
void quantise_planes(const float* x, uint8_t* y, float scale, int32_t zero, size_t positions) {
  HWY_DYNAMIC_DISPATCH(quantise_planes_impl)(x, y, scale, zero, positions);
}

#define CAIRN_QUANTISE(NAME, FLOAT, BYTE)                                             \
  HWY_EXPORT(quantise_##NAME);                                                        \
  HWY_EXPORT(dequantise_##NAME);                                                      \
  void quantise(const FLOAT* x, BYTE* y, float scale, int32_t zero, size_t count) {   \
    HWY_DYNAMIC_DISPATCH(quantise_##NAME)(x, y, scale, zero, count);                  \
  }                                                                                   \
  void dequantise(const BYTE* x, FLOAT* y, float scale, int32_t zero, size_t count) { \
    HWY_DYNAMIC_DISPATCH(dequantise_##NAME)(x, y, scale, zero, count);                \
  }
CAIRN_QUANTISE(f32_u8, float, uint8_t)
CAIRN_QUANTISE(f32_s8, float, int8_t)
CAIRN_QUANTISE(bf16_u8, Bf16, uint8_t)
CAIRN_QUANTISE(bf16_s8, Bf16, int8_t)
#undef CAIRN_QUANTISE

}  // namespace cairn::engine::kernels
#endif  // HWY_ONCE
