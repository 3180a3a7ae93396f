#include "cairn/engine/kernels/gate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/engine/kernels/gate.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "cairn/engine/kernels/bf16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::engine::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
void store(hn::Vec<D> v, D d, uint8_t* y) {
  const hn::Rebind<uint8_t, D> bytes;
  const hn::RebindToUnsigned<D> bits;
  const auto held = hn::Min(hn::Max(v, hn::Zero(d)), hn::Set(d, 255));
  const auto rounded = hn::BitCast(bits, hn::Add(held, hn::Set(d, kRounding)));
  hn::StoreU(hn::U8FromU32(hn::And(rounded, hn::Set(bits, 255))), bytes, y);
}

template <typename X, typename Other, typename Y>
struct Pointers {
  const X* x;
  const Other* other;
  Y* y;
};

template <class D, class P>
HWY_INLINE void gate_at(D d, const P& p, const Gate& g, bool added, size_t at, size_t to,
                        size_t lane) {
  auto v =
      hn::MulAdd(load(d, p.x + at), hn::LoadU(d, g.scale + lane), hn::LoadU(d, g.shift + lane));
  if (added) {
    const auto factor =
        g.other_scales == nullptr ? hn::Set(d, g.other_scale) : hn::LoadU(d, g.other_scales + lane);
    v = hn::MulAdd(load(d, p.other + at), factor, v);
  }
  store(hn::Max(v, hn::Set(d, g.least)), d, p.y + to + lane);
}

template <typename X, typename Other, typename Y>
void gate_all(const Gate& g, size_t positions, size_t block) {
  const Pointers<X, Other, Y> p = {static_cast<const X*>(g.x.data),
                                   static_cast<const Other*>(g.other.data),
                                   static_cast<Y*>(g.y.data)};
  const bool added = p.other != nullptr;
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const size_t lanes = hn::Lanes(d);
  const size_t whole = block / lanes * lanes;
  const size_t stride = HWY_MAX(block, g.y_stride);
  for (size_t i = 0; i < positions; ++i) {
    for (size_t lane = 0; lane < whole; lane += lanes)
      gate_at(d, p, g, added, i * block + lane, i * stride, lane);
    for (size_t lane = whole; lane < block; ++lane)
      gate_at(one, p, g, added, i * block + lane, i * stride, lane);
  }
}

template <typename X, typename Other, typename Float>
void gate_to(const Gate& g, size_t positions, size_t block) {
  if (g.y.format == Format::kU8)
    gate_all<X, Other, uint8_t>(g, positions, block);
  else
    gate_all<X, Other, Float>(g, positions, block);
}

template <typename X, typename Float>
void gate_with(const Gate& g, size_t positions, size_t block) {
  if (g.other.format == Format::kU8)
    gate_to<X, uint8_t, Float>(g, positions, block);
  else
    gate_to<X, Float, Float>(g, positions, block);
}

template <typename Float>
void gate_of(const Gate& g, size_t positions, size_t block) {
  if (g.x.format == Format::kU8)
    gate_with<uint8_t, Float>(g, positions, block);
  else
    gate_with<Float, Float>(g, positions, block);
}

void gate_impl(const Gate& g, size_t positions, size_t block) {
  const bool bf16 =
      g.x.format == Format::kBf16 || g.other.format == Format::kBf16 || g.y.format == Format::kBf16;
  if (bf16)
    gate_of<Bf16>(g, positions, block);
  else
    gate_of<float>(g, positions, block);
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::engine::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::engine::kernels {

HWY_EXPORT(gate_impl);

void gate(const Gate& gate, size_t positions, size_t block) {
  HWY_DYNAMIC_DISPATCH(gate_impl)(gate, positions, block);
}

}  // namespace cairn::engine::kernels
#endif  // HWY_ONCE
