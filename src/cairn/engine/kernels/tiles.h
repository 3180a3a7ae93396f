// Products in the matrix unit (AMX) of a row of positions and blocks of 16 channels: the 1×1
// convolutions of our own kernels.
#pragma once

#include <algorithm>
#include <cstddef>

#include "cairn/base/amx.h"

namespace cairn::engine::kernels {

// Rows of `width` positions of in_bytes bytes each: bfloat16 in pairs, or 8 bits without a sign in
// fours.
class TileProduct {
 public:
  TileProduct(size_t width, size_t in_bytes, bool bytes);

  // What the thread's tiles have to be while it multiplies.
  const TileShapes& shapes() const { return shapes_; }

  // Tiles that a row is divided into, and the positions of each. The last may overlap the one
  // before it, as all are of one size.
  size_t count() const { return (width_ + positions_ - 1) / positions_; }
  size_t positions() const { return positions_; }
  size_t first(size_t tile) const { return std::min(tile * positions_, width_ - positions_); }

  // y (blocks × positions × 16, float32 or int32, y_block numbers from block to block) = one tile
  // of the row x times the weights, as pack_pairs or pack_quads make them. blocks: at most 3.
  void multiply(const void* x, size_t tile, const void* weights, size_t blocks, void* y,
                size_t y_block) const;

 private:
  TileShapes shapes_;
  size_t width_;
  size_t in_bytes_;
  size_t positions_;  // of a tile
  bool bytes_;
};

}  // namespace cairn::engine::kernels
