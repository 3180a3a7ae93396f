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

}  // namespace cairn::engine::ops
