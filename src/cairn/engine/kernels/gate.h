// What follows the gate of squeeze-and-excitation, in one pass over a map. The best code for the
// processor is chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cairn/engine/kernels/bf16.h"

namespace cairn::engine::kernels {

// How numbers lie in memory.
enum class Format { kF32, kBf16, kU8 };

inline size_t size_of(Format format) {
  return format == Format::kF32 ? 4 : format == Format::kBf16 ? 2 : 1;
}

template <typename Void>
struct Numbers {
  Void* data = nullptr;
  Format format = Format::kF32;
};

// y = max(x * scale + shift + other * other_scale, least) for `positions` groups of `block`
// numbers, with one scale and one shift per lane, and one other_scale for all or one per lane;
// 8-bit results are rounded to the nearest and saturate. other may be null; y may be x or other
// where they are of a format. Of the three formats one at most is a float one: float32 and bfloat16
// do not mix.
struct Gate {
  Numbers<const void> x;
  Numbers<const void> other;
  Numbers<void> y;
  const float* scale = nullptr;
  const float* shift = nullptr;
  float other_scale = 1;
  const float* other_scales = nullptr;  // of each lane, instead
  float least = 0;
  size_t y_stride = 0;  // numbers from one group of y to the next, where they are more than `block`
};
void gate(const Gate& gate, size_t positions, size_t block);

}  // namespace cairn::engine::kernels
