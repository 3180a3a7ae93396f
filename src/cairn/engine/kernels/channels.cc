#include "cairn/engine/kernels/channels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/engine/kernels/channels.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::engine::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls body(x, lane offset) for whole vectors of each group, storing what it returns.
template <size_t kBlock, typename Body>
void for_block(const float* HWY_RESTRICT x, float* y, size_t positions, Body body) {
  const hn::CappedTag<float, kBlock> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t lane = 0; lane < kBlock; lane += lanes) {
    const auto function = body(d, lane);
    for (size_t i = 0; i < positions; ++i) {
      const size_t at = i * kBlock + lane;
      hn::StoreU(function(hn::LoadU(d, x + at)), d, y + at);
    }
  }
}

// One number for all elements: body as above with lane 0, whose vectors hold it in every lane.
template <typename Body>
void for_plain(const float* x, float* y, size_t positions, Body body) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto function = body(d);
  size_t i = 0;
  for (; i + lanes <= positions; i += lanes) hn::StoreU(function(hn::LoadU(d, x + i)), d, y + i);
  const hn::CappedTag<float, 1> one;
  const auto last = body(one);
  for (; i < positions; ++i) hn::StoreU(last(hn::LoadU(one, x + i)), one, y + i);
}

void scale_shift_impl(const float* x, float* y, const float* scale, const float* shift,
                      size_t positions, size_t block) {
  const auto blocked = [&](auto d, size_t lane) {
    return [a = hn::LoadU(d, scale + lane), b = hn::LoadU(d, shift + lane)](auto v) {
      return hn::MulAdd(v, a, b);
    };
  };
  if (block == 16) return for_block<16>(x, y, positions, blocked);
  if (block == 8) return for_block<8>(x, y, positions, blocked);
  for_plain(x, y, positions, [&](auto d) {
    return [a = hn::Set(d, *scale), b = hn::Set(d, *shift)](auto v) { return hn::MulAdd(v, a, b); };
  });
}

void prelu_impl(const float* x, float* y, const float* slope, size_t positions, size_t block) {
  const auto apply = [](auto d, auto a) {
    return [d, a](auto v) {
      const auto zero = hn::Zero(d);
      return hn::IfThenElse(hn::Gt(v, zero), v, hn::Mul(v, a));
    };
  };
  const auto blocked = [&](auto d, size_t lane) { return apply(d, hn::LoadU(d, slope + lane)); };
  if (block == 16) return for_block<16>(x, y, positions, blocked);
  if (block == 8) return for_block<8>(x, y, positions, blocked);
  for_plain(x, y, positions, [&](auto d) { return apply(d, hn::Set(d, *slope)); });
}

constexpr size_t kFloatRun = 256;  // vectors that are added in float32

// x: `count` vectors, `stride` floats apart.
template <class D, class V>
void add_run(D d, const float* x, size_t count, size_t stride, V centre, V& sum, V& squares) {
  sum = hn::Zero(d);
  squares = hn::Zero(d);
  for (size_t i = 0; i < count; ++i) {
    const auto deviation = hn::Sub(hn::LoadU(d, x + i * stride), centre);
    sum = hn::Add(sum, deviation);
    squares = hn::MulAdd(deviation, deviation, squares);
  }
}

template <size_t kBlock>
void add_block_deviations(const float* x, const float* centre, double* sum, double* squares,
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

void add_deviations_impl(const float* x, const float* centre, double* sum, double* squares,
                         size_t positions, size_t block) {
  if (block == 16) return add_block_deviations<16>(x, centre, sum, squares, positions);
  if (block == 8) return add_block_deviations<8>(x, centre, sum, squares, positions);
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
    const double deviation = static_cast<double>(x[at]) - *centre;
    *sum += deviation;
    *squares += deviation * deviation;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::engine::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::engine::kernels {

HWY_EXPORT(scale_shift_impl);
HWY_EXPORT(prelu_impl);
HWY_EXPORT(add_deviations_impl);

void scale_shift(const float* x, float* y, const float* scale, const float* shift, size_t positions,
                 size_t block) {
  HWY_DYNAMIC_DISPATCH(scale_shift_impl)(x, y, scale, shift, positions, block);
}

void prelu(const float* x, float* y, const float* slope, size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(prelu_impl)(x, y, slope, positions, block);
}

void add_deviations(const float* x, const float* centre, double* sum, double* squares,
                    size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(add_deviations_impl)(x, centre, sum, squares, positions, block);
}

}  // namespace cairn::engine::kernels
#endif  // HWY_ONCE
