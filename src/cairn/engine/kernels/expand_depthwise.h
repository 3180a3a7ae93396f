// A widening convolution and the depthwise one after it (inverted residuals: Sandler et al.,
// "MobileNetV2", 2018) in one pass over rows, so that the wide map never leaves the first-level
// cache: for bfloat16 maps with the channels last, on processors with bfloat16 dot products
// (AVX512_BF16). Sums and the wide map are float32; what is written is rounded once.
#pragma once

#include <cstddef>
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

constexpr size_t kMaxDepthwiseHeight = 16;

struct ExpandDepthwise {
  // What the widening convolution reads.
  enum class Source {
    kMap,    // bfloat16, positions × channels, an even number of them: a 1×1 window
    kPhoto,  // float32, planes: any window
    kWide,   // bfloat16, positions × channels: the wide map itself, there is no such convolution
  };
  Source source = Source::kMap;
  size_t in_channels = 0;
  size_t in_height = 0;
  size_t in_width = 0;
  Window2d expansion;  // kPhoto
  Activation first;

  size_t channels = 0;  // of the wide map and the output
  size_t height = 0;    // of the wide map
  size_t width = 0;

  Window2d depthwise;
  Activation second;
  size_t out_height = 0;
  size_t out_width = 0;

  // As pack_… make them.
  const float* expand_weights_f32 = nullptr;  // kPhoto
  const Bf16* expand_weights = nullptr;       // kMap
  const float* expand_bias = nullptr;
  const float* depthwise_weights = nullptr;
  const float* depthwise_bias = nullptr;

  size_t scratch_floats() const;
};

// Whether this processor can.
bool has_expand_depthwise();

// One image: y is out_height × out_width × channels; sums (or null): of each channel over all
// positions, before rounding.
void expand_depthwise(const ExpandDepthwise& step, const void* x, Bf16* y, float* sums,
                      float* scratch);

// Weights in blocks of 16 outputs, the last of which is filled with zeros. weights: channels ×
// in_channels (× window).
std::vector<Bf16> pack_pairs(const float* weights, size_t channels, size_t in_channels);
std::vector<float> pack_blocks(const float* weights, size_t channels, size_t taps);
// bias: may be null, which is zeros.
std::vector<float> pack_bias(const float* bias, size_t channels);

}  // namespace cairn::engine::kernels
