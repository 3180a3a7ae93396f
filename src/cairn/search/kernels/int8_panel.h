// Inner products of 8-bit rows with bounds of their errors: which rows of a panel may be hits of a
// query. A panel is kPanelRows index rows, a tile one query or kTileQueries.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::search::kernels {

inline constexpr size_t kPanelRows = 32;
inline constexpr size_t kTileQueries = 12;
inline constexpr size_t kGroup = 4;  // dimensions that lie together

struct Panel {
  const uint8_t* values;  // groups × kPanelRows × kGroup: the signed values + 128; 64-byte aligned
  const float* scales;    // of each row: row ≈ scale × signed values
  const float* residuals;  // the length of what that leaves out; -infinity: no such row
};

struct Tile {
  size_t queries;          // 1 or kTileQueries
  const int8_t* values;    // groups × queries × kGroup
  const int32_t* offsets;  // of each query: -128 × the sum of its values
  const float* lengths;    // that a residual is multiplied with
  const float* limits;
};

// What may be: masks[q] has bit r where bounds[q][r] = float(product) × scale + length × residual
// >= limit, the product that of the signed values of query q and row r. bounds[q] is written where
// masks[q] is not 0.
struct Promising {
  uint32_t masks[kTileQueries];
  alignas(64) float bounds[kTileQueries][kPanelRows];
};

// With the processor's instructions: AVX-512 VNNI reads the panels of one query as fast as memory
// gives them, AVX2 nearly.
void promising_rows(const Panel& panel, const Tile& tile, size_t groups, Promising& promising);

// The same, one product after the other; the roundings of the sum may differ.
void promising_rows_plain(const Panel& panel, const Tile& tile, size_t groups,
                          Promising& promising);

// Whether the processor has instructions for it: without them promising_rows is the plain function,
// and float32 is faster.
bool has_int8_instructions();

}  // namespace cairn::search::kernels
