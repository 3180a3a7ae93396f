#include "cairn/search/kernels/vector_dot.h"

#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/search/kernels/vector_dot.cc"
#define HWY_WANT_AVX3_DL  // the target with 8-bit dot products
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::search::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3_DL

// See int8_panel.cc for why this is neither Highway nor an intrinsic.
#define CAIRN_VNNI __attribute__((target("avx512vnni")))

CAIRN_VNNI inline void add_products(__m512i& sums, const uint8_t* a, const uint8_t* b) {
  // b - 128 as a signed byte is b with its top bit turned.
  const __m512i turned = _mm512_xor_si512(_mm512_loadu_si512(b), _mm512_set1_epi8(-128));
  const __m512i numbers = _mm512_loadu_si512(a);
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(numbers), "v"(turned));
}

CAIRN_VNNI int32_t int8_dot_impl(const uint8_t* a, const uint8_t* b, size_t bytes) {
  __m512i even = _mm512_setzero_si512();
  __m512i odd = even;
  size_t i = 0;
  for (; i + 2 * kVectorStep <= bytes; i += 2 * kVectorStep) {
    add_products(even, a + i, b + i);
    add_products(odd, a + i + kVectorStep, b + i + kVectorStep);
  }
  if (i < bytes) add_products(even, a + i, b + i);
  return _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
}

#elif HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

int32_t int8_dot_impl(const uint8_t* a, const uint8_t* b, size_t bytes) {
  constexpr size_t kWidth = 16;
  const __m128i middle = _mm_set1_epi8(-128);
  __m256i sums = _mm256_setzero_si256();
  for (size_t i = 0; i < bytes; i += kWidth) {
    const __m128i of_a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
    const __m128i of_b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i));
    sums = _mm256_add_epi32(sums,
                            _mm256_madd_epi16(_mm256_cvtepu8_epi16(of_a),
                                              _mm256_cvtepi8_epi16(_mm_xor_si128(of_b, middle))));
  }
  const __m128i half =
      _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  const __m128i pair = _mm_hadd_epi32(half, half);
  return _mm_cvtsi128_si32(_mm_hadd_epi32(pair, pair));
}

#else

int32_t int8_dot_impl(const uint8_t* a, const uint8_t* b, size_t bytes) {
  return vector_dots_plain().int8(a, b, bytes);
}

#endif

float float32_dot_impl(const float* a, const float* b, size_t count) {
  const hn::ScalableTag<float> d;
  constexpr size_t kSums = 4;
  const size_t width = hn::Lanes(d);
  auto s0 = hn::Zero(d);
  auto s1 = s0;
  auto s2 = s0;
  auto s3 = s0;
  for (size_t i = 0; i < count; i += kSums * width) {
    s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, a + i + width), hn::LoadU(d, b + i + width), s1);
    s2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * width), hn::LoadU(d, b + i + 2 * width), s2);
    s3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * width), hn::LoadU(d, b + i + 3 * width), s3);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

float bfloat16_dot_impl(const uint16_t* a, const uint16_t* b, size_t count) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<uint32_t, decltype(d)> bits;
  const hn::Rebind<uint16_t, decltype(d)> halves;
  const size_t width = hn::Lanes(d);
  const auto load = [&](const uint16_t* at) {
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(bits, hn::LoadU(halves, at))));
  };
  auto even = hn::Zero(d);
  auto odd = even;
  for (size_t i = 0; i < count; i += 2 * width) {
    even = hn::MulAdd(load(a + i), load(b + i), even);
    odd = hn::MulAdd(load(a + i + width), load(b + i + width), odd);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
}

VectorDots vector_dots_impl() { return {int8_dot_impl, bfloat16_dot_impl, float32_dot_impl}; }

}  // namespace HWY_NAMESPACE
}  // namespace cairn::search::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::search::kernels {
namespace {

int32_t int8_dot_plain(const uint8_t* a, const uint8_t* b, size_t bytes) {
  int32_t sum = 0;
  for (size_t i = 0; i < bytes; ++i) sum += a[i] * (b[i] - 128);
  return sum;
}

float float32_dot_plain(const float* a, const float* b, size_t count) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

float bfloat16_dot_plain(const uint16_t* a, const uint16_t* b, size_t count) {
  const auto value = [](uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); };
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += value(a[i]) * value(b[i]);
  return sum;
}

}  // namespace

HWY_EXPORT(vector_dots_impl);

VectorDots vector_dots() { return HWY_DYNAMIC_DISPATCH(vector_dots_impl)(); }

VectorDots vector_dots_plain() { return {int8_dot_plain, bfloat16_dot_plain, float32_dot_plain}; }

}  // namespace cairn::search::kernels
#endif  // HWY_ONCE
