// 3×3 convolutions with a third of the multiplications (Winograd, "Arithmetic Complexity of
// Computations", 1980; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016):
// tiles of 2 × 4 results, from the points 0, ±1 along columns and 0, ±3/4, ±3/2 along rows, which
// lose least in bfloat16: the error is 0.6 % of the results where the direct sum has 0.15 %. For
// bfloat16 maps with the channels last, on processors with bfloat16 dot products (AVX512_BF16).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cairn/engine/kernels/bf16.h"

namespace cairn::engine::kernels {

struct Winograd {
  size_t in_channels = 0;  // a multiple of 16
  size_t height = 0;
  size_t width = 0;
  size_t pad_top = 0;
  size_t pad_left = 0;
  size_t dilation = 1;
  size_t out_channels = 0;  // a multiple of 16
  size_t out_height = 0;
  size_t out_width = 0;
  float low = 0;  // bounds of the results; infinite: none
  float high = 0;
  const Bf16* weights = nullptr;  // of pack_winograd
  const float* bias = nullptr;    // may be null

  size_t tiles() const;
  size_t scratch_bytes() const;
};

// One image: y is out_height × out_width × out_channels. residual: the same, added before the
// bounds, or null; y may be the residual.
void winograd(const Winograd& convolution, const Bf16* x, const Bf16* residual, Bf16* y,
              void* scratch);
// From 8 bits; and to 8 bits, rounded to the nearest, for bounds within 0 and 255.
void winograd(const Winograd& convolution, const uint8_t* x, const Bf16* residual, Bf16* y,
              void* scratch);
void winograd(const Winograd& convolution, const uint8_t* x, uint8_t* y, void* scratch);

// weights: out_channels × in_channels × 3 × 3.
std::vector<Bf16> pack_winograd(const float* weights, size_t out_channels, size_t in_channels);

}  // namespace cairn::engine::kernels
