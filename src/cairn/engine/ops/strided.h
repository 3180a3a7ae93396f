// Copies between two layouts of the same elements: the work of Transpose, Slice, Expand, Tile, Pad,
// DepthToSpace and SpaceToDepth.
#pragma once

#include <cstdint>
#include <vector>

#include "cairn/engine/tensor.h"

namespace cairn::engine::ops {

// One axis of a copy: how many elements, and how far apart they lie in the input and the output
// (in elements; negative to go backwards, 0 in the input to repeat one).
struct CopyAxis {
  int64_t size = 1;
  int64_t in = 0;
  int64_t out = 0;
};

// Copies the elements at every combination of the axes. `in` and `out` point at the first element.
void copy_strided(DType type, const void* in, void* out, std::vector<CopyAxis> axes);

// Copies with a source position for each output position along every axis: output [p, q, …] is
// input [from[0][p], from[1][q], …], or `value` (one element) where one of those is -1. The output
// is contiguous and has from[i].size() positions along axis i, none of them 0.
void copy_mapped(DType type, const void* in, const Shape& in_shape, void* out,
                 const std::vector<std::vector<int64_t>>& from, const void* value);

}  // namespace cairn::engine::ops
