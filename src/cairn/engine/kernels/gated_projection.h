// The gate of squeeze-and-excitation, the quantisation after it where there is one, and the 1×1
// convolution that narrows the map again, in one pass over bfloat16 maps with the channels last:
// the gated map stays in the first-level cache. For processors of has_avx512_bf16().
#pragma once

#include <cstddef>
#include <cstdint>

#include "cairn/engine/kernels/bf16.h"
#include "cairn/engine/kernels/expand_depthwise.h"

namespace cairn::engine::kernels {

struct GatedProjection {
  size_t positions = 0;
  size_t in_channels = 0;  // an even number; in 8 bits a multiple of 4
  size_t channels = 0;
  const float* bias = nullptr;  // as pack_bias makes it, as all numbers of channels

  // The gated map is rounded to bfloat16.
  const Bf16* weights = nullptr;

  // Or it is quantised: y = products * units + bias + residual * residual_scale, in steps of y's
  // grid and from its zero, so that nothing remains but rounding.
  ByteGrid in_grid{};  // of the gated map
  const int8_t* weights_s8 = nullptr;
  const float* units = nullptr;
  float residual_scale = 0;

  size_t scratch_floats() const;
};

// One image. gate: in_channels numbers; residual: null, or channels last as y is, and may be y.
void gated_projection(const GatedProjection& step, const Bf16* x, const float* gate,
                      const Bf16* residual, Bf16* y, float* scratch);
void gated_projection(const GatedProjection& step, const Bf16* x, const float* gate,
                      const uint8_t* residual, uint8_t* y, float* scratch);

}  // namespace cairn::engine::kernels
