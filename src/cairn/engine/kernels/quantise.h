// Between numbers and grids of 8 bits (ONNX QuantizeLinear and DequantizeLinear). The best code for
// the processor is chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cairn/engine/kernels/bf16.h"

namespace cairn::engine::kernels {

// y = x / scale rounded to the nearest (of two equally near ones the even one), + zero, held within
// what y's type can hold.
void quantise(const float* x, uint8_t* y, float scale, int32_t zero, size_t count);
void quantise(const float* x, int8_t* y, float scale, int32_t zero, size_t count);
void quantise(const Bf16* x, uint8_t* y, float scale, int32_t zero, size_t count);
void quantise(const Bf16* x, int8_t* y, float scale, int32_t zero, size_t count);

// The same of three planes of `positions` numbers each, written position by position.
void quantise_planes(const float* x, uint8_t* y, float scale, int32_t zero, size_t positions);

// y = (x - zero) * scale.
void dequantise(const uint8_t* x, float* y, float scale, int32_t zero, size_t count);
void dequantise(const int8_t* x, float* y, float scale, int32_t zero, size_t count);
void dequantise(const uint8_t* x, Bf16* y, float scale, int32_t zero, size_t count);
void dequantise(const int8_t* x, Bf16* y, float scale, int32_t zero, size_t count);

}  // namespace cairn::engine::kernels
