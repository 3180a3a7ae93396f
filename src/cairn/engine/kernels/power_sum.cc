#include "cairn/engine/kernels/power_sum.h"

#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/engine/kernels/power_sum.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "cairn/engine/kernels/bf16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::engine::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Itself {
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V operator()(D /*d*/, V x) const {
    return x;
  }
};

struct WholePower {
  int exponent = 1;
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V operator()(D /*d*/, V x) const {
    V power = x;
    for (int i = 1; i < exponent; ++i) power = hn::Mul(power, x);
    return power;
  }
};

struct AnyPower {
  float exponent = 1;
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V operator()(D d, V x) const {
    const V zero = hn::Zero(d);
    const V power = hn::Exp(d, hn::Mul(hn::Set(d, exponent), hn::Log(d, x)));
    const V nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
    return hn::IfThenElse(hn::Gt(x, zero), power, hn::IfThenElse(hn::Eq(x, zero), zero, nan));
  }
};

constexpr size_t kFloatRun = 256;   // groups that are added in float32
constexpr size_t kWideLanes = 512;  // lanes that are added at a time

template <class Power, typename T>
void add_lanes(Power power, const T* x, double* sum, size_t groups, size_t stride, size_t width) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const size_t lanes = hn::Lanes(d);
  const size_t whole = width / lanes * lanes;
  float sums[kWideLanes] = {};
  const auto of = [&](auto tag, const T* from) { return power(tag, load(tag, from)); };
  const auto add = [&](auto tag, const T* from, size_t lane) {
    hn::StoreU(hn::Add(hn::LoadU(tag, sums + lane), of(tag, from + lane)), tag, sums + lane);
  };
  // Four at a time, which loads and stores the sums a fourth as often.
  const auto add_four = [&](auto tag, const T* from, size_t lane) {
    const T* at = from + lane;
    const auto four = hn::Add(hn::Add(of(tag, at), of(tag, at + stride)),
                              hn::Add(of(tag, at + 2 * stride), of(tag, at + 3 * stride)));
    hn::StoreU(hn::Add(hn::LoadU(tag, sums + lane), four), tag, sums + lane);
  };
  size_t i = 0;
  for (; i + 4 <= groups; i += 4, x += 4 * stride) {
    for (size_t lane = 0; lane < whole; lane += lanes) add_four(d, x, lane);
    for (size_t lane = whole; lane < width; ++lane) add_four(one, x, lane);
  }
  for (; i < groups; ++i, x += stride) {
    for (size_t lane = 0; lane < whole; lane += lanes) add(d, x, lane);
    for (size_t lane = whole; lane < width; ++lane) add(one, x, lane);
  }
  for (size_t lane = 0; lane < width; ++lane) sum[lane] += static_cast<double>(sums[lane]);
}

template <class Power, typename T>
void add_powers_by(Power power, const T* x, double* sum, size_t positions, size_t block) {
  if (block == 1) {  // groups of as many positions as there are lanes, which belong to one sum
    constexpr size_t kGroup = 64;
    double sums[kGroup] = {};
    const size_t groups = positions / kGroup;
    for (size_t begin = 0; begin < groups; begin += kFloatRun)
      add_lanes(power, x + begin * kGroup, sums, HWY_MIN(kFloatRun, groups - begin), kGroup,
                kGroup);
    add_lanes(power, x + groups * kGroup, sums, 1, kGroup, positions % kGroup);
    for (const double s : sums) *sum += s;
    return;
  }
  for (size_t begin = 0; begin < positions; begin += kFloatRun)
    for (size_t lane = 0; lane < block; lane += kWideLanes)
      add_lanes(power, x + begin * block + lane, sum + lane, HWY_MIN(kFloatRun, positions - begin),
                block, HWY_MIN(kWideLanes, block - lane));
}

template <typename T>
void add_powers_of(const T* x, float exponent, double* sum, size_t positions, size_t block) {
  constexpr float kMostProducts = 8;
  if (exponent == 1)
    add_powers_by(Itself(), x, sum, positions, block);
  else if (exponent >= 1 && exponent <= kMostProducts && exponent == std::floor(exponent))
    add_powers_by(WholePower{static_cast<int>(exponent)}, x, sum, positions, block);
  else
    add_powers_by(AnyPower{exponent}, x, sum, positions, block);
}

void add_powers_f32(const float* x, float exponent, double* sum, size_t positions, size_t block) {
  add_powers_of(x, exponent, sum, positions, block);
}
void add_powers_bf16(const Bf16* x, float exponent, double* sum, size_t positions, size_t block) {
  add_powers_of(x, exponent, sum, positions, block);
}

void add_up_u8(const uint8_t* x, double* sum, size_t positions, size_t block) {
  add_powers_by(Itself(), x, sum, positions, block);
}
void add_up_s8(const int8_t* x, double* sum, size_t positions, size_t block) {
  add_powers_by(Itself(), x, sum, positions, block);
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::engine::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::engine::kernels {

HWY_EXPORT(add_powers_f32);
HWY_EXPORT(add_powers_bf16);
HWY_EXPORT(add_up_u8);
HWY_EXPORT(add_up_s8);

void add_powers(const float* x, float exponent, double* sum, size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(add_powers_f32)(x, exponent, sum, positions, block);
}

void add_powers(const Bf16* x, float exponent, double* sum, size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(add_powers_bf16)(x, exponent, sum, positions, block);
}

void add_up(const uint8_t* x, double* sum, size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(add_up_u8)(x, sum, positions, block);
}

void add_up(const int8_t* x, double* sum, size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(add_up_s8)(x, sum, positions, block);
}

}  // namespace cairn::engine::kernels
#endif  // HWY_ONCE
