// Vectors for kernels that need dot products of bfloat16 and of 8 bits (AVX512_BF16, AVX512_VNNI),
// which Highway 1.0 has not: pieces of convolutions in blocks of 16 channels. For files that are
// compiled between CAIRN_BEGIN_AVX512_BF16 and CAIRN_END_AVX512_BF16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cairn/engine/kernels/avx512_bf16.h"
#include "cairn/engine/kernels/bf16.h"
#include "cairn/engine/kernels/expand_depthwise.h"

namespace cairn::engine::kernels {
namespace {

constexpr size_t kLanes = 16;

}  // namespace
}  // namespace cairn::engine::kernels

#ifdef CAIRN_HAS_AVX512_BF16
#include <immintrin.h>

// Lambdas do not take the pragma: they need CAIRN_AVX512_BF16. GCC 12 takes what its own intrinsics
// leave undefined on purpose for a mistake.
#define CAIRN_AVX512_BF16 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")))
// Inlined into large functions, GCC 12 no longer keeps their sums in registers.
#define CAIRN_APART __attribute__((noinline))
// clang-format off
#define CAIRN_BEGIN_AVX512_BF16 \
  _Pragma("GCC push_options") \
  _Pragma("GCC target(\"avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16\")") \
  _Pragma("GCC diagnostic push") \
  _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"") \
  _Pragma("GCC diagnostic ignored \"-Wuninitialized\"")
#define CAIRN_END_AVX512_BF16 \
  _Pragma("GCC diagnostic pop") \
  _Pragma("GCC pop_options")
// clang-format on

CAIRN_BEGIN_AVX512_BF16
namespace cairn::engine::kernels {
namespace {

constexpr size_t kTile = 8;  // positions that go together

inline __m512 load(const Bf16* x) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

inline __m512 load(const uint8_t* x) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}

inline void store(Bf16* y, __m512 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(y),
                      reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}

// Of numbers within 0 and 255.
inline void store(uint8_t* y, __m512 v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(y), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
}

// Two of bfloat16 or four bytes, in all lanes.
inline __m512i word_of(const void* x) {
  int32_t word = 0;
  __builtin_memcpy(&word, x, sizeof(word));
  return _mm512_set1_epi32(word);
}

inline void add_products(__m512& sums, __m512i pairs, __m512i weights) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sums) : "v"(pairs), "v"(weights));
}

// bytes: unsigned, four a lane; weights: signed.
inline void add_products(__m512i& sums, __m512i bytes, __m512i weights) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(bytes), "v"(weights));
}

// exp(-x) = 2^n 2^f with 0 <= f < 1; 2^f by the polynomial with the least error, 1.1e-4.
inline __m512 silu(__m512 x) {
  const __m512 z = _mm512_mul_ps(x, _mm512_set1_ps(-1.44269504F));
  const __m512 f = _mm512_reduce_ps(z, _MM_FROUND_TO_NEG_INF);
  __m512 p = _mm512_set1_ps(0.07944154F);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.2241179F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.6964350F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.99992807F));
  const __m512 e = _mm512_scalef_ps(p, z);
  return _mm512_mul_ps(x, _mm512_rcp14_ps(_mm512_add_ps(e, _mm512_set1_ps(1))));
}

struct Nothing {
  Nothing() = default;
  explicit Nothing(const Activation&) {}
  __m512 operator()(__m512 v) const { return v; }
};

struct Clip {
  explicit Clip(const Activation& activation)
      : low(_mm512_set1_ps(activation.low)), high(_mm512_set1_ps(activation.high)) {}
  __m512 operator()(__m512 v) const { return _mm512_min_ps(_mm512_max_ps(v, low), high); }
  __m512 low;
  __m512 high;
};

struct Silu {
  explicit Silu(const Activation&) {}
  __m512 operator()(__m512 v) const { return silu(v); }
};

// Calls function.operator()<count>(at) for a count of up to kPositions.
template <size_t kPositions, typename Function>
void call_for(size_t count, size_t at, Function& function) {
  if constexpr (kPositions > 1) {
    if (count < kPositions) return call_for<kPositions - 1>(count, at, function);
  }
  function.template operator()<kPositions>(at);
}

// The same for tiles of up to kMost positions, as equal as they can be.
template <size_t kMost, typename Function>
void for_tiles(size_t count, Function function) {
  const size_t tiles = (count + kMost - 1) / kMost;
  size_t at = 0;
  for (size_t i = 0; i < tiles; ++i) {
    const size_t end = count * (i + 1) / tiles;
    call_for<kMost>(end - at, at, function);
    at = end;
  }
}

// kPositions positions of kBlocks blocks of the 1×1 convolution: y = function(sums). next: weights
// of one block that will be needed soon after, or null.
template <size_t kPositions, size_t kBlocks, typename Function = Nothing>
CAIRN_APART void multiply_pairs(const Bf16* x, size_t in_channels, const Bf16* weights,
                                const float* bias, float* y, size_t y_block,
                                const Bf16* next = nullptr, const Function& function = {}) {
  __m512 sums[kPositions][kBlocks];
#pragma GCC unroll 24
  for (size_t p = 0; p < kPositions; ++p)
#pragma GCC unroll 3
    for (size_t b = 0; b < kBlocks; ++b) sums[p][b] = _mm512_loadu_ps(bias + b * kLanes);
  for (size_t k = 0; k < in_channels; k += 2, weights += 2 * kLanes) {
    __m512i w[kBlocks];
#pragma GCC unroll 3
    for (size_t b = 0; b < kBlocks; ++b)
      w[b] = _mm512_loadu_si512(weights + b * in_channels * kLanes);
    if (next != nullptr) {
      _mm_prefetch(next, _MM_HINT_T1);
      next += 2 * kLanes;
    }
#pragma GCC unroll 24
    for (size_t p = 0; p < kPositions; ++p) {
      const __m512i pair = word_of(x + p * in_channels + k);
#pragma GCC unroll 3
      for (size_t b = 0; b < kBlocks; ++b) add_products(sums[p][b], pair, w[b]);
    }
  }
#pragma GCC unroll 24
  for (size_t p = 0; p < kPositions; ++p)
#pragma GCC unroll 3
    for (size_t b = 0; b < kBlocks; ++b)
      _mm512_storeu_ps(y + b * y_block + p * kLanes, function(sums[p][b]));
}

// What a position of a convolution of bytes multiplies: `rows` runs of `quads` times four bytes.
struct Runs {
  const uint8_t* x = nullptr;
  size_t stride = 0;  // bytes between neighbouring positions
  size_t rows = 1;
  size_t row_stride = 0;
  size_t quads = 0;
};

// The same of bytes: y = function(sums * units + bias).
template <size_t kPositions, size_t kBlocks, typename Function = Nothing>
CAIRN_APART void multiply_quads(const Runs& runs, const int8_t* weights, const float* units,
                                const float* bias, float* y, size_t y_block,
                                const Function& function = {}) {
  __m512i sums[kPositions][kBlocks];
#pragma GCC unroll 24
  for (size_t p = 0; p < kPositions; ++p)
#pragma GCC unroll 3
    for (size_t b = 0; b < kBlocks; ++b) sums[p][b] = _mm512_setzero_si512();
  const size_t block = runs.rows * runs.quads * 4 * kLanes;
  for (size_t row = 0; row < runs.rows; ++row) {
    const uint8_t* x = runs.x + row * runs.row_stride;
    for (size_t k = 0; k < runs.quads; ++k, x += 4, weights += 4 * kLanes) {
      __m512i w[kBlocks];
#pragma GCC unroll 3
      for (size_t b = 0; b < kBlocks; ++b) w[b] = _mm512_loadu_si512(weights + b * block);
#pragma GCC unroll 24
      for (size_t p = 0; p < kPositions; ++p) {
        const __m512i quad = word_of(x + p * runs.stride);
#pragma GCC unroll 3
        for (size_t b = 0; b < kBlocks; ++b) add_products(sums[p][b], quad, w[b]);
      }
    }
  }
#pragma GCC unroll 3
  for (size_t b = 0; b < kBlocks; ++b) {
    const __m512 unit = _mm512_loadu_ps(units + b * kLanes);
    const __m512 shift = _mm512_loadu_ps(bias + b * kLanes);
#pragma GCC unroll 24
    for (size_t p = 0; p < kPositions; ++p)
      _mm512_storeu_ps(y + b * y_block + p * kLanes,
                       function(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[p][b]), unit, shift)));
  }
}

// The same of a convolution of numbers with taps at the given offsets from each position.
template <size_t kPositions, size_t kBlocks, typename Function = Nothing>
CAIRN_APART void multiply_taps(const float* x, size_t stride, const size_t* offsets, size_t taps,
                               const float* weights, const float* bias, float* y, size_t y_block,
                               const Function& function = {}) {
  __m512 sums[kPositions][kBlocks];
#pragma GCC unroll 8
  for (size_t p = 0; p < kPositions; ++p)
#pragma GCC unroll 3
    for (size_t b = 0; b < kBlocks; ++b) sums[p][b] = _mm512_loadu_ps(bias + b * kLanes);
  for (size_t k = 0; k < taps; ++k, weights += kLanes) {
    __m512 w[kBlocks];
#pragma GCC unroll 3
    for (size_t b = 0; b < kBlocks; ++b) w[b] = _mm512_loadu_ps(weights + b * taps * kLanes);
#pragma GCC unroll 8
    for (size_t p = 0; p < kPositions; ++p) {
      const __m512 value = _mm512_set1_ps(x[offsets[k] + p * stride]);
#pragma GCC unroll 3
      for (size_t b = 0; b < kBlocks; ++b) sums[p][b] = _mm512_fmadd_ps(value, w[b], sums[p][b]);
    }
  }
#pragma GCC unroll 8
  for (size_t p = 0; p < kPositions; ++p)
#pragma GCC unroll 3
    for (size_t b = 0; b < kBlocks; ++b)
      _mm512_storeu_ps(y + b * y_block + p * kLanes, function(sums[p][b]));
}

// kPositions neighbouring outputs of one block of the depthwise convolution. rows: of the window,
// at the first output's first tap.
template <size_t kWidth, size_t kStride, size_t kPositions>
CAIRN_APART void convolve_tile(const float* const* rows, size_t height, size_t at,
                               const float* weights, const float* bias, float* y) {
  __m512 sums[kPositions];
#pragma GCC unroll 16
  for (size_t p = 0; p < kPositions; ++p) sums[p] = _mm512_loadu_ps(bias);
  for (size_t ky = 0; ky < height; ++ky) {
    const float* const row = rows[ky] + at * kStride * kLanes;
    __m512 w[kWidth];
#pragma GCC unroll 7
    for (size_t kx = 0; kx < kWidth; ++kx)
      w[kx] = _mm512_loadu_ps(weights + (ky * kWidth + kx) * kLanes);
#pragma GCC unroll 40
    for (size_t i = 0; i < (kPositions - 1) * kStride + kWidth; ++i) {
      const __m512 value = _mm512_loadu_ps(row + i * kLanes);
#pragma GCC unroll 16
      for (size_t p = 0; p < kPositions; ++p) {
        if (i >= p * kStride && i - p * kStride < kWidth)
          sums[p] = _mm512_fmadd_ps(value, w[i - p * kStride], sums[p]);
      }
    }
  }
#pragma GCC unroll 16
  for (size_t p = 0; p < kPositions; ++p) _mm512_storeu_ps(y + (at + p) * kLanes, sums[p]);
}

template <size_t kWidth, size_t kStride>
void convolve_row(const float* const* rows, size_t height, const float* weights, const float* bias,
                  float* y, size_t count) {
  for_tiles<2 * kTile>(count, [&]<size_t kPositions>(size_t at) CAIRN_AVX512_BF16 {
    convolve_tile<kWidth, kStride, kPositions>(rows, height, at, weights, bias, y);
  });
}

inline void convolve_any_row(const float* const* rows, const Window2d& window, size_t height,
                             const float* weights, const float* bias, float* y, size_t count) {
  for (size_t p = 0; p < count; ++p) {
    __m512 sum = _mm512_loadu_ps(bias);
    for (size_t ky = 0; ky < height; ++ky)
      for (size_t kx = 0; kx < window.width; ++kx)
        sum = _mm512_fmadd_ps(_mm512_loadu_ps(rows[ky] + (p * window.stride_x + kx) * kLanes),
                              _mm512_loadu_ps(weights + (ky * window.width + kx) * kLanes), sum);
    _mm512_storeu_ps(y + p * kLanes, sum);
  }
}

}  // namespace
}  // namespace cairn::engine::kernels
CAIRN_END_AVX512_BF16

#endif  // CAIRN_HAS_AVX512_BF16
