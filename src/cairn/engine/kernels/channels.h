// Functions that differ by channel, on one channel or one block of channels, of values that lie in
// memory as float32 or bfloat16; the arithmetic is float32. The best code for the processor is
// chosen at run time.
#pragma once

#include <cstddef>

#include "cairn/engine/kernels/bf16.h"

namespace cairn::engine::kernels {

// y = x * scale + shift for `positions` groups of `block` numbers (8 or 16 are fastest), one scale
// and one shift per lane; or, for block 1, one scale and one shift for all. y may be x.
void scale_shift(const float* x, float* y, const float* scale, const float* shift, size_t positions,
                 size_t block);
void scale_shift(const Bf16* x, Bf16* y, const float* scale, const float* shift, size_t positions,
                 size_t block);

// y = x where x > 0, else x * slope; as above.
void prelu(const float* x, float* y, const float* slope, size_t positions, size_t block);
void prelu(const Bf16* x, Bf16* y, const float* slope, size_t positions, size_t block);

// sum += Σ (x - centre) and squares += Σ (x - centre)² of each lane, or, for block 1, of all; as
// above. Float32 within 256 groups, float64 beyond.
void add_deviations(const float* x, const float* centre, double* sum, double* squares,
                    size_t positions, size_t block);
void add_deviations(const Bf16* x, const float* centre, double* sum, double* squares,
                    size_t positions, size_t block);

}  // namespace cairn::engine::kernels
