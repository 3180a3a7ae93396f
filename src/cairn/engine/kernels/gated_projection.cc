#include "cairn/engine/kernels/gated_projection.h"

#include <algorithm>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)  // which has no such pragma
#define CAIRN_HAS_AVX512_BF16
#include "cairn/engine/kernels/avx512_bf16-inl.h"
#endif

namespace cairn::engine::kernels {
namespace {

#ifndef CAIRN_HAS_AVX512_BF16
constexpr size_t kLanes = 16;
#endif
constexpr size_t kSums = 24;              // vectors of sums that stay in registers
constexpr size_t kChunkBytes = 24 << 10;  // of the gated map

// How many positions are gated at a time.
size_t chunk_of(size_t in_channels) {
  return std::max<size_t>(kChunkBytes / in_channels / kSums, 1) * kSums;
}

size_t rounded_up(size_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

}  // namespace

size_t GatedProjection::scratch_floats() const {
  return rounded_up(in_channels) + kSums * kLanes + chunk_of(in_channels) * in_channels / 4;
}

}  // namespace cairn::engine::kernels

#ifdef CAIRN_HAS_AVX512_BF16

CAIRN_BEGIN_AVX512_BF16
namespace cairn::engine::kernels {
namespace {

__mmask16 first_lanes(size_t count) {
  return static_cast<__mmask16>(count >= kLanes ? 0xFFFF : (1U << count) - 1);
}

// Whole steps that are not negative, held within 8 bits.
__m512i whole_steps(__m512 steps) {
  const __m512i rounded = _mm512_cvtps_epi32(_mm512_min_ps(steps, _mm512_set1_ps(512)));
  return _mm512_max_epi32(rounded, _mm512_setzero_si512());
}

// One image.
class Projection {
 public:
  Projection(const GatedProjection& step, const uint8_t* residual, uint8_t* y, float* scratch)
      : step_(step),
        residual_(residual),
        y_(y),
        scale_(scratch),
        sums_(scale_ + rounded_up(step.in_channels)),
        gated_(reinterpret_cast<uint8_t*>(sums_ + kSums * kLanes)) {}

  void run(const Bf16* x, const float* gate) {
    for (size_t c = 0; c < step_.in_channels; ++c) scale_[c] = gate[c] / step_.in_grid.scale;
    const size_t chunk = chunk_of(step_.in_channels);
    for (size_t at = 0; at < step_.positions; at += chunk) {
      const size_t count = std::min(chunk, step_.positions - at);
      for (size_t p = 0; p < count; ++p)
        apply_gate(x + (at + p) * step_.in_channels, gated_ + p * step_.in_channels);
      const size_t blocks = (step_.channels + kLanes - 1) / kLanes;
      for (size_t block = 0; block < blocks;) {
        const size_t left = blocks - block;
        if (left == 1) multiply<1>(at, count, block);
        if (left == 2 || left == 4) multiply<2>(at, count, block);
        if (left == 3 || left > 4) multiply<3>(at, count, block);
        block += left == 1 ? 1 : left == 2 || left == 4 ? 2 : 3;
      }
    }
  }

 private:
  void apply_gate(const Bf16* x, uint8_t* y) const {
    const __m512i zero = _mm512_set1_epi32(step_.in_grid.zero);
    const __m512 zero_steps = _mm512_cvtepi32_ps(zero);
    size_t c = 0;
    for (; c + kLanes <= step_.in_channels; c += kLanes) {
      const __m512 steps =
          _mm512_fmadd_ps(load(x + c), _mm512_loadu_ps(scale_ + c), zero_steps);
      _mm512_mask_cvtusepi32_storeu_epi8(y + c, 0xFFFF, whole_steps(steps));
    }
    if (c == step_.in_channels) return;
    const __mmask16 mask = first_lanes(step_.in_channels - c);
    const __m256i half = _mm256_maskz_loadu_epi16(mask, x + c);
    const __m512 wide = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
    const __m512 steps = _mm512_fmadd_ps(wide, _mm512_maskz_loadu_ps(mask, scale_ + c), zero_steps);
    _mm512_mask_cvtusepi32_storeu_epi8(y + c, mask, whole_steps(steps));
  }

  template <size_t kBlocks>
  void multiply(size_t first, size_t count, size_t block) {
    const size_t channels = step_.in_channels;
    Runs runs{.stride = channels, .quads = channels / 4};
    const int8_t* const weights = step_.weights + block * kLanes * channels;
    for_tiles<kSums / kBlocks>(count, [&]<size_t kPositions>(size_t at) CAIRN_AVX512_BF16 {
      runs.x = gated_ + at * channels;
      multiply_quads<kPositions, kBlocks>(runs, weights, step_.units + block * kLanes,
                                          step_.bias + block * kLanes, sums_, kPositions * kLanes);
      for (size_t b = 0; b < kBlocks; ++b)
        finish(first + at, kPositions, block + b, sums_ + b * kPositions * kLanes);
    });
  }

  void finish(size_t position, size_t count, size_t block, const float* sums) const {
    const __mmask16 mask = first_lanes(step_.channels - block * kLanes);
    const __m512 scale = _mm512_set1_ps(step_.residual_scale);
    size_t at = position * step_.channels + block * kLanes;
    for (size_t p = 0; p < count; ++p, at += step_.channels) {
      __m512 v = _mm512_loadu_ps(sums + p * kLanes);
      if (residual_ != nullptr) {
        const __m128i bytes = _mm_maskz_loadu_epi8(mask, residual_ + at);
        v = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)), scale, v);
      }
      _mm512_mask_cvtusepi32_storeu_epi8(y_ + at, mask, whole_steps(v));
    }
  }

  const GatedProjection& step_;
  const uint8_t* residual_;
  uint8_t* y_;
  float* scale_;
  float* sums_;  // of one tile
  uint8_t* gated_;
};

}  // namespace

void gated_projection(const GatedProjection& step, const Bf16* x, const float* gate,
                      const uint8_t* residual, uint8_t* y, float* scratch) {
  Projection(step, residual, y, scratch).run(x, gate);
}

}  // namespace cairn::engine::kernels
CAIRN_END_AVX512_BF16

#else

namespace cairn::engine::kernels {

void gated_projection(const GatedProjection&, const Bf16*, const float*, const uint8_t*, uint8_t*,
                      float*) {}

}  // namespace cairn::engine::kernels

#endif
