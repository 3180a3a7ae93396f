#include "cairn/engine/kernels/gated_projection.h"

#include <algorithm>

#include "cairn/engine/kernels/avx512_bf16-inl.h"

namespace cairn::engine::kernels {
namespace {

constexpr size_t kSums = 24;              // vectors of sums that stay in registers
constexpr size_t kChunkBytes = 24 << 10;  // of the gated map

// How many positions are gated at a time.
size_t chunk_of(size_t in_channels, size_t number_size) {
  return std::max<size_t>(kChunkBytes / (in_channels * number_size) / kSums, 1) * kSums;
}

size_t rounded_up(size_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

}  // namespace

size_t GatedProjection::scratch_floats() const {
  const size_t chunk = std::max(chunk_of(in_channels, 1), 2 * chunk_of(in_channels, 2));
  return rounded_up(in_channels) + kSums * kLanes + (chunk * in_channels + 3) / 4;
}

}  // namespace cairn::engine::kernels

#ifdef CAIRN_HAS_AVX512_BF16

CAIRN_BEGIN_AVX512_BF16
namespace cairn::engine::kernels {
namespace {

__mmask16 first_lanes(size_t count) {
  return static_cast<__mmask16>(count >= kLanes ? 0xFFFF : (1U << count) - 1);
}

__m512 load_some(const Bf16* x, __mmask16 mask) {
  const __m256i half = _mm256_maskz_loadu_epi16(mask, x);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

// Whole steps that are not negative, held within 8 bits.
__m512i whole_steps(__m512 steps) {
  const __m512i rounded = _mm512_cvtps_epi32(_mm512_min_ps(steps, _mm512_set1_ps(512)));
  return _mm512_max_epi32(rounded, _mm512_setzero_si512());
}

// 8 bits: the gated map on its grid, and the results on theirs.
struct ByteFormat {
  using Number = uint8_t;

  explicit ByteFormat(const GatedProjection& step)
      : step_(step), zero_(_mm512_set1_ps(static_cast<float>(step.in_grid.zero))) {}

  float gate_scale() const { return 1 / step_.in_grid.scale; }

  void store_gated(uint8_t* y, __mmask16 mask, __m512 gated) const {
    _mm512_mask_cvtusepi32_storeu_epi8(y, mask, whole_steps(_mm512_add_ps(gated, zero_)));
  }

  template <size_t kPositions, size_t kBlocks>
  void multiply(const uint8_t* x, size_t block, float* sums) const {
    const size_t channels = step_.in_channels;
    const Runs runs{.x = x, .stride = channels, .quads = channels / 4};
    multiply_quads<kPositions, kBlocks>(runs, step_.weights_s8 + block * kLanes * channels,
                                        step_.units + block * kLanes, step_.bias + block * kLanes,
                                        sums, kPositions * kLanes);
  }

  __m512 add(__m512 v, const uint8_t* residual, __mmask16 mask) const {
    const __m512i bits = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, residual));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(bits), _mm512_set1_ps(step_.residual_scale), v);
  }

  void store(uint8_t* y, __mmask16 mask, __m512 v) const {
    _mm512_mask_cvtusepi32_storeu_epi8(y, mask, whole_steps(v));
  }

 private:
  const GatedProjection& step_;
  __m512 zero_;
};

struct HalfFormat {
  using Number = Bf16;

  explicit HalfFormat(const GatedProjection& step) : step_(step) {}

  float gate_scale() const { return 1; }

  void store_gated(Bf16* y, __mmask16 mask, __m512 gated) const { store(y, mask, gated); }

  template <size_t kPositions, size_t kBlocks>
  void multiply(const Bf16* x, size_t block, float* sums) const {
    const size_t channels = step_.in_channels;
    multiply_pairs<kPositions, kBlocks>(x, channels, step_.weights + block * kLanes * channels,
                                        step_.bias + block * kLanes, sums, kPositions * kLanes);
  }

  __m512 add(__m512 v, const Bf16* residual, __mmask16 mask) const {
    return _mm512_add_ps(v, load_some(residual, mask));
  }

  void store(Bf16* y, __mmask16 mask, __m512 v) const {
    _mm256_mask_storeu_epi16(y, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
  }

 private:
  const GatedProjection& step_;
};

// One image.
template <typename Format>
class Projection {
 public:
  using Number = typename Format::Number;

  Projection(const GatedProjection& step, const Number* residual, Number* y, float* scratch)
      : step_(step),
        format_(step),
        residual_(residual),
        y_(y),
        scale_(scratch),
        sums_(scale_ + rounded_up(step.in_channels)),
        gated_(reinterpret_cast<Number*>(sums_ + kSums * kLanes)) {}

  void run(const Bf16* x, const float* gate) {
    for (size_t c = 0; c < step_.in_channels; ++c) scale_[c] = gate[c] * format_.gate_scale();
    const size_t chunk = chunk_of(step_.in_channels, sizeof(Number));
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
  void apply_gate(const Bf16* x, Number* y) const {
    size_t c = 0;
    for (; c + kLanes <= step_.in_channels; c += kLanes)
      format_.store_gated(y + c, 0xFFFF, _mm512_mul_ps(load(x + c), _mm512_loadu_ps(scale_ + c)));
    if (c == step_.in_channels) return;
    const __mmask16 mask = first_lanes(step_.in_channels - c);
    format_.store_gated(
        y + c, mask,
        _mm512_mul_ps(load_some(x + c, mask), _mm512_maskz_loadu_ps(mask, scale_ + c)));
  }

  template <size_t kBlocks>
  void multiply(size_t first, size_t count, size_t block) {
    for_tiles<kSums / kBlocks>(count, [&]<size_t kPositions>(size_t at) CAIRN_AVX512_BF16 {
      format_.template multiply<kPositions, kBlocks>(gated_ + at * step_.in_channels, block, sums_);
      for (size_t b = 0; b < kBlocks; ++b)
        finish(first + at, kPositions, block + b, sums_ + b * kPositions * kLanes);
    });
  }

  void finish(size_t position, size_t count, size_t block, const float* sums) const {
    const __mmask16 mask = first_lanes(step_.channels - block * kLanes);
    size_t at = position * step_.channels + block * kLanes;
    for (size_t p = 0; p < count; ++p, at += step_.channels) {
      __m512 v = _mm512_loadu_ps(sums + p * kLanes);
      if (residual_ != nullptr) v = format_.add(v, residual_ + at, mask);
      format_.store(y_ + at, mask, v);
    }
  }

  const GatedProjection& step_;
  Format format_;
  const Number* residual_;
  Number* y_;
  float* scale_;
  float* sums_;  // of one tile
  Number* gated_;
};

}  // namespace

void gated_projection(const GatedProjection& step, const Bf16* x, const float* gate,
                      const Bf16* residual, Bf16* y, float* scratch) {
  Projection<HalfFormat>(step, residual, y, scratch).run(x, gate);
}

void gated_projection(const GatedProjection& step, const Bf16* x, const float* gate,
                      const uint8_t* residual, uint8_t* y, float* scratch) {
  Projection<ByteFormat>(step, residual, y, scratch).run(x, gate);
}

}  // namespace cairn::engine::kernels
CAIRN_END_AVX512_BF16

#else

namespace cairn::engine::kernels {

void gated_projection(const GatedProjection&, const Bf16*, const float*, const Bf16*, Bf16*,
                      float*) {}
void gated_projection(const GatedProjection&, const Bf16*, const float*, const uint8_t*, uint8_t*,
                      float*) {}

}  // namespace cairn::engine::kernels

#endif
