// 3×3 convolutions in groups of a few channels (Xie et al., "Aggregated Residual Transformations
// for Deep Neural Networks", 2017): blocks of 16 results, which read no other channels than those
// of their groups. For maps of bfloat16 or 8 bits with the channels last, on processors with
// bfloat16 dot products (AVX512_BF16, which have those of 8 bits too).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cairn/engine/kernels/bf16.h"

namespace cairn::engine::kernels {

struct Grouped {
  size_t channels = 0;  // of the input and of the output: a multiple of 16
  size_t group = 0;     // channels of a group: 4, 8 or a multiple of 16
  size_t height = 0;
  size_t width = 0;
  size_t stride = 1;  // 1 or 2
  size_t pad_top = 0;
  size_t pad_left = 0;
  size_t out_height = 0;
  size_t out_width = 0;
  uint8_t zero = 0;               // of an input of 8 bits: what lies around the map
  const void* weights = nullptr;  // of pack_grouped
  // The results are sums × scale + bias, within the bounds (infinite: none). Sums of bfloat16 have
  // no scale.
  const float* scale = nullptr;
  const float* bias = nullptr;
  float low = 0;
  float high = 0;

  size_t scratch_bytes() const;
};

// In what groups.
bool takes_group(size_t channels, size_t group);

// One image: y is out_height × out_width × channels. To 8 bits: rounded to the nearest, for bounds
// within 0 and 255.
void grouped(const Grouped& convolution, const Bf16* x, Bf16* y, void* scratch);
void grouped(const Grouped& convolution, const uint8_t* x, Bf16* y, void* scratch);
void grouped(const Grouped& convolution, const uint8_t* x, uint8_t* y, void* scratch);

// weights: channels × group × 3 × 3.
std::vector<Bf16> pack_grouped(const float* weights, size_t channels, size_t group);
std::vector<int8_t> pack_grouped(const int8_t* weights, size_t channels, size_t group);

}  // namespace cairn::engine::kernels
