// Inner products of two vectors that lie in memory one after the other: the distances of a graph
// search. As fast as the memory they come from.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::search::kernels {

// What a vector is padded to, in numbers.
inline constexpr size_t kVectorStep = 64;

// The sum of a[i] × (b[i] - 128), bytes a multiple of kVectorStep.
using Int8Dot = int32_t (*)(const uint8_t* a, const uint8_t* b, size_t bytes);
// count a multiple of kVectorStep. Sums in float32.
using Bfloat16Dot = float (*)(const uint16_t* a, const uint16_t* b, size_t count);
using Float32Dot = float (*)(const float* a, const float* b, size_t count);

struct VectorDots {
  Int8Dot int8;
  Bfloat16Dot bfloat16;
  Float32Dot float32;
};

// With the processor's instructions.
VectorDots vector_dots();
// One product after the other.
VectorDots vector_dots_plain();

}  // namespace cairn::search::kernels
