// Sums of numbers and of their powers, for means and generalised means. The best code for the
// processor is chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cairn/engine/kernels/bf16.h"

namespace cairn::engine::kernels {

// sum += Σ x^exponent of each lane of `positions` groups of `block` numbers, or, for block 1, of
// all. exponent > 0. Whole ones up to 8 are products; for others x^exponent is
// exp(exponent · ln x), 0 for 0 and NaN below. Float32 within 256 groups, float64 beyond.
void add_powers(const float* x, float exponent, double* sum, size_t positions, size_t block);
void add_powers(const Bf16* x, float exponent, double* sum, size_t positions, size_t block);

// sum += Σ x, of 8-bit numbers; as above.
void add_up(const uint8_t* x, double* sum, size_t positions, size_t block);
void add_up(const int8_t* x, double* sum, size_t positions, size_t block);

}  // namespace cairn::engine::kernels
