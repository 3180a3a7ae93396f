// Inner products that are the same everywhere.
#pragma once

#include <cstddef>

namespace cairn::search {

// The inner product of two float32 vectors in double: products (exact in double) go to eight sums
// by position modulo 8, which are then added pairwise. One order of rounding on every processor,
// whether or not multiplication and addition are fused.
double dot(const float* a, const float* b, size_t dim);

// The same of `a` and each of `count` rows, to `out`: several times as fast a product, for no sum
// waits for itself.
void dots(const float* a, const float* const* rows, size_t count, size_t dim, double* out);

// The same of as many vectors as rows, each with its own.
void dots_of_pairs(const float* const* vectors, const float* const* rows, size_t count, size_t dim,
                   double* out);

// At least the length of a vector, and at most a thousandth more: computed in float32 for speed.
double length_bound(const float* row, size_t dim);

}  // namespace cairn::search
