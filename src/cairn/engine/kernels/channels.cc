#include "cairn/engine/kernels/channels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/engine/kernels/channels.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "cairn/engine/kernels/bf16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::engine::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls body(x, lane offset) for whole vectors of each group, storing what it returns.
template <size_t kBlock, typename T, typename Body>
void for_block(const T* x, T* y, size_t positions, Body body) {
  const hn::CappedTag<float, kBlock> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t lane = 0; lane < kBlock; lane += lanes) {
    const auto function = body(d, lane);
    for (size_t i = 0; i < positions; ++i) {
      const size_t at = i * kBlock + lane;
      store(function(load(d, x + at)), d, y + at);
    }
  }
}

// The same for blocks of any width: body(d, lane) for whole vectors, and for single numbers at the
// end of each group.
template <typename T, typename Body>
void for_wide(const T* x, T* y, size_t positions, size_t block, Body body) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < positions; ++i, x += block, y += block) {
    size_t lane = 0;
    for (; lane + lanes <= block; lane += lanes)
      store(body(d, lane)(load(d, x + lane)), d, y + lane);
    for (; lane < block; ++lane) store(body(one, lane)(load(one, x + lane)), one, y + lane);
  }
}

// One number for all elements: body as above with lane 0, whose vectors hold it in every lane.
template <typename T, typename Body>
void for_plain(const T* x, T* y, size_t positions, Body body) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto function = body(d);
  size_t i = 0;
  for (; i + lanes <= positions; i += lanes) store(function(load(d, x + i)), d, y + i);
  const hn::CappedTag<float, 1> one;
  const auto last = body(one);
  for (; i < positions; ++i) store(last(load(one, x + i)), one, y + i);
}

template <typename T>
void scale_shift_of(const T* x, T* y, const float* scale, const float* shift, size_t positions,
                    size_t block) {
  const auto blocked = [&](auto d, size_t lane) {
    return [a = hn::LoadU(d, scale + lane), b = hn::LoadU(d, shift + lane)](auto v) {
      return hn::MulAdd(v, a, b);
    };
  };
  if (block == 16) return for_block<16>(x, y, positions, blocked);
  if (block == 8) return for_block<8>(x, y, positions, blocked);
  if (block > 1) return for_wide(x, y, positions, block, blocked);
  for_plain(x, y, positions, [&](auto d) {
    return [a = hn::Set(d, *scale), b = hn::Set(d, *shift)](auto v) { return hn::MulAdd(v, a, b); };
  });
}

template <typename T>
void prelu_of(const T* x, T* y, const float* slope, size_t positions, size_t block) {
  const auto apply = [](auto d, auto a) {
    return [d, a](auto v) {
      const auto zero = hn::Zero(d);
      return hn::IfThenElse(hn::Gt(v, zero), v, hn::Mul(v, a));
    };
  };
  const auto blocked = [&](auto d, size_t lane) { return apply(d, hn::LoadU(d, slope + lane)); };
  if (block == 16) return for_block<16>(x, y, positions, blocked);
  if (block == 8) return for_block<8>(x, y, positions, blocked);
  if (block > 1) return for_wide(x, y, positions, block, blocked);
  for_plain(x, y, positions, [&](auto d) { return apply(d, hn::Set(d, *slope)); });
}

constexpr size_t kFloatRun = 256;  // vectors that are added in float32

HWY_INLINE float to_float(float x) { return x; }
using kernels::to_float;

// x: `count` vectors, `stride` floats apart.
template <class D, typename T, class V>
void add_run(D d, const T* x, size_t count, size_t stride, V centre, V& sum, V& squares) {
  sum = hn::Zero(d);
  squares = hn::Zero(d);
  for (size_t i = 0; i < count; ++i) {
    const auto deviation = hn::Sub(load(d, x + i * stride), centre);
    sum = hn::Add(sum, deviation);
    squares = hn::MulAdd(deviation, deviation, squares);
  }
}

template <size_t kBlock, typename T>
void add_block_deviations(const T* x, const float* centre, double* sum, double* squares,
                          size_t positions) {
  const hn::CappedTag<float, kBlock> d;
  const size_t lanes = hn::Lanes(d);
  alignas(64) float sums[kBlock];
  alignas(64) float powers[kBlock];
  for (size_t lane = 0; lane < kBlock; lane += lanes) {
    const auto middle = hn::LoadU(d, centre + lane);
    for (size_t begin = 0; begin < positions; begin += kFloatRun) {
      auto s = hn::Zero(d);
      auto q = hn::Zero(d);
      add_run(d, x + begin * kBlock + lane, HWY_MIN(kFloatRun, positions - begin), kBlock, middle,
              s, q);
      hn::StoreU(s, d, sums);
      hn::StoreU(q, d, powers);
      for (size_t i = 0; i < lanes; ++i) {
        sum[lane + i] += sums[i];
        squares[lane + i] += powers[i];
      }
    }
  }
}

constexpr size_t kWideLanes = 512;  // that are added at a time

// sums += Σ (x - centre) and squares += Σ (x - centre)² of up to kWideLanes lanes.
template <typename T>
void add_wide_run(const T* x, const float* centre, double* sum, double* squares, size_t positions,
                  size_t stride, size_t width) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const size_t lanes = hn::Lanes(d);
  float sums[kWideLanes] = {};
  float powers[kWideLanes] = {};
  const auto add = [&](auto tag, size_t i, size_t lane) {
    const auto v = hn::Sub(load(tag, x + i * stride + lane), hn::LoadU(tag, centre + lane));
    hn::StoreU(hn::Add(hn::LoadU(tag, sums + lane), v), tag, sums + lane);
    hn::StoreU(hn::MulAdd(v, v, hn::LoadU(tag, powers + lane)), tag, powers + lane);
  };
  // Four at a time, which loads and stores the sums a fourth as often.
  const auto add_four = [&](auto tag, size_t i, size_t lane) {
    const auto middle = hn::LoadU(tag, centre + lane);
    const auto deviation = [&](size_t k) {
      return hn::Sub(load(tag, x + (i + k) * stride + lane), middle);
    };
    const auto a = deviation(0);
    const auto b = deviation(1);
    const auto c = deviation(2);
    const auto e = deviation(3);
    const auto sum_of_four = hn::Add(hn::Add(a, b), hn::Add(c, e));
    const auto squares_of_four =
        hn::Add(hn::MulAdd(a, a, hn::Mul(b, b)), hn::MulAdd(c, c, hn::Mul(e, e)));
    hn::StoreU(hn::Add(hn::LoadU(tag, sums + lane), sum_of_four), tag, sums + lane);
    hn::StoreU(hn::Add(hn::LoadU(tag, powers + lane), squares_of_four), tag, powers + lane);
  };
  const size_t whole = width / lanes * lanes;
  size_t i = 0;
  for (; i + 4 <= positions; i += 4) {
    for (size_t lane = 0; lane < whole; lane += lanes) add_four(d, i, lane);
    for (size_t lane = whole; lane < width; ++lane) add_four(one, i, lane);
  }
  for (; i < positions; ++i) {
    for (size_t lane = 0; lane < whole; lane += lanes) add(d, i, lane);
    for (size_t lane = whole; lane < width; ++lane) add(one, i, lane);
  }
  for (size_t lane = 0; lane < width; ++lane) {
    sum[lane] += static_cast<double>(sums[lane]);
    squares[lane] += static_cast<double>(powers[lane]);
  }
}

template <typename T>
void add_wide_deviations(const T* x, const float* centre, double* sum, double* squares,
                         size_t positions, size_t block) {
  for (size_t begin = 0; begin < positions; begin += kFloatRun)
    for (size_t lane = 0; lane < block; lane += kWideLanes)
      add_wide_run(x + begin * block + lane, centre + lane, sum + lane, squares + lane,
                   HWY_MIN(kFloatRun, positions - begin), block, HWY_MIN(kWideLanes, block - lane));
}

template <typename T>
void add_deviations_of(const T* x, const float* centre, double* sum, double* squares,
                       size_t positions, size_t block) {
  if (block == 16) return add_block_deviations<16>(x, centre, sum, squares, positions);
  if (block == 8) return add_block_deviations<8>(x, centre, sum, squares, positions);
  if (block > 1) return add_wide_deviations(x, centre, sum, squares, positions, block);
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t at = 0;
  while (at + lanes <= positions) {
    const size_t vectors = HWY_MIN(kFloatRun, (positions - at) / lanes);
    auto s = hn::Zero(d);
    auto q = hn::Zero(d);
    add_run(d, x + at, vectors, lanes, hn::Set(d, *centre), s, q);
    *sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, s)));
    *squares += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, q)));
    at += vectors * lanes;
  }
  for (; at < positions; ++at) {
    const double deviation = static_cast<double>(to_float(x[at])) - *centre;
    *sum += deviation;
    *squares += deviation * deviation;
  }
}

// Functions that are exported cannot be templates.
void scale_shift_f32(const float* x, float* y, const float* scale, const float* shift,
                     size_t positions, size_t block) {
  scale_shift_of(x, y, scale, shift, positions, block);
}
void scale_shift_bf16(const Bf16* x, Bf16* y, const float* scale, const float* shift,
                      size_t positions, size_t block) {
  scale_shift_of(x, y, scale, shift, positions, block);
}
void prelu_f32(const float* x, float* y, const float* slope, size_t positions, size_t block) {
  prelu_of(x, y, slope, positions, block);
}
void prelu_bf16(const Bf16* x, Bf16* y, const float* slope, size_t positions, size_t block) {
  prelu_of(x, y, slope, positions, block);
}
void add_deviations_f32(const float* x, const float* centre, double* sum, double* squares,
                        size_t positions, size_t block) {
  add_deviations_of(x, centre, sum, squares, positions, block);
}
void add_deviations_bf16(const Bf16* x, const float* centre, double* sum, double* squares,
                         size_t positions, size_t block) {
  add_deviations_of(x, centre, sum, squares, positions, block);
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::engine::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::engine::kernels {

HWY_EXPORT(scale_shift_f32);
HWY_EXPORT(scale_shift_bf16);
HWY_EXPORT(prelu_f32);
HWY_EXPORT(prelu_bf16);
HWY_EXPORT(add_deviations_f32);
HWY_EXPORT(add_deviations_bf16);

void scale_shift(const float* x, float* y, const float* scale, const float* shift, size_t positions,
                 size_t block) {
  HWY_DYNAMIC_DISPATCH(scale_shift_f32)(x, y, scale, shift, positions, block);
}

void scale_shift(const Bf16* x, Bf16* y, const float* scale, const float* shift, size_t positions,
                 size_t block) {
  HWY_DYNAMIC_DISPATCH(scale_shift_bf16)(x, y, scale, shift, positions, block);
}

void prelu(const float* x, float* y, const float* slope, size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(prelu_f32)(x, y, slope, positions, block);
}

void prelu(const Bf16* x, Bf16* y, const float* slope, size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(prelu_bf16)(x, y, slope, positions, block);
}

void add_deviations(const float* x, const float* centre, double* sum, double* squares,
                    size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(add_deviations_f32)(x, centre, sum, squares, positions, block);
}

void add_deviations(const Bf16* x, const float* centre, double* sum, double* squares,
                    size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(add_deviations_bf16)(x, centre, sum, squares, positions, block);
}

}  // namespace cairn::engine::kernels
#endif  // HWY_ONCE
