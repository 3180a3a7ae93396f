// A widening convolution and the depthwise one after it (inverted residuals: Sandler et al.,
// "MobileNetV2", 2018) in one pass over rows, so that the wide map never leaves the first-level
// cache: for maps of bfloat16 or 8 bits with the channels last, on processors with dot products of
// both (AVX512_BF16, AVX512_VNNI). The wide map and the sums are float32, those of 8-bit products
// int32; what is written is rounded once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cairn/engine/kernels/bf16.h"

namespace cairn::engine::kernels {

// What follows each number: nothing, bounds, or SiLU (x times its sigmoid, error below 2e-4 of the
// result: a twentieth of bfloat16's steps).
struct Activation {
  enum class Kind { kNone, kClip, kSilu };
  Kind kind = Kind::kNone;
  float low = 0;
  float high = 0;
};

struct Window2d {
  size_t height = 1;
  size_t width = 1;
  size_t stride_y = 1;
  size_t stride_x = 1;
  size_t pad_top = 0;
  size_t pad_left = 0;
};

// 8 bits without a sign mean (bits - zero) * scale.
struct ByteGrid {
  float scale = 1;
  int32_t zero = 0;
};

constexpr size_t kMaxDepthwiseHeight = 16;

struct ExpandDepthwise {
  // What the widening convolution reads.
  enum class Source {
    kMap,    // bfloat16, positions × channels, an even number of them: a 1×1 window
    kPhoto,  // float32, planes: any window
    kWide,   // bfloat16, positions × channels: the wide map itself, there is no such convolution
    kBytes,  // 8 bits, positions × channels: any window, or 1×1 where channels come in fours
  };
  Source source = Source::kMap;
  size_t in_channels = 0;
  size_t in_height = 0;
  size_t in_width = 0;
  Window2d expansion;   // kPhoto, kBytes
  uint8_t in_zero = 0;  // kBytes: the 8 bits that mean 0
  Activation first;

  size_t channels = 0;  // of the wide map and the output
  size_t height = 0;    // of the wide map
  size_t width = 0;

  Window2d depthwise;
  Activation second;
  size_t out_height = 0;
  size_t out_width = 0;
  std::optional<ByteGrid> out_grid{};  // of a result in 8 bits; else it is bfloat16
  bool tiles = false;  // a 1×1 expansion is computed in the matrix unit; where has_amx()

  // As pack_… make them.
  const float* expand_weights_f32 = nullptr;  // kPhoto
  const Bf16* expand_weights = nullptr;       // kMap
  const int8_t* expand_weights_s8 = nullptr;  // kBytes
  const float* expand_units = nullptr;        // kBytes: what one of each channel's sums is worth
  const float* expand_bias = nullptr;
  const float* depthwise_weights = nullptr;
  const float* depthwise_bias = nullptr;

  size_t scratch_floats() const;
};

// One image: y (uint8_t or Bf16) is out_height × out_width × channels; sums (or null): of each
// channel over all positions, before rounding.
void expand_depthwise(const ExpandDepthwise& step, const void* x, void* y, float* sums,
                      float* scratch);

// Weights in blocks of 16 outputs, the last of which is filled with zeros. weights: channels ×
// in_channels (× window).
std::vector<Bf16> pack_pairs(const float* weights, size_t channels, size_t in_channels);
// Of any window.
std::vector<int8_t> pack_quads(const int8_t* weights, size_t channels, size_t in_channels,
                               const Window2d& window);
std::vector<float> pack_blocks(const float* weights, size_t channels, size_t taps);
// bias: may be null, which is zeros.
std::vector<float> pack_bias(const float* bias, size_t channels);

}  // namespace cairn::engine::kernels
