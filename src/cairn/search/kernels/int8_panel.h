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
  const float* rests;      // of each row: the length of scale × values after the tile's head
  const uint8_t* next;     // values of the panel after it, which are fetched meanwhile
};

struct Tile {
  size_t queries;          // 1 or kTileQueries
  const int8_t* values;    // groups × queries × kGroup
  const int32_t* offsets;  // of each query: -128 × the sum of its values
  const float* lengths;    // that a residual is multiplied with
  const float* limits;     // infinity: no such query
  // After `head` groups the panel is given up for queries whose limit no row can reach, whatever
  // the rest of its values: 0 at the least, `groups` and more never.
  size_t head;
  const float* rests;           // of each query: the length of its values after the head
  const int32_t* rest_offsets;  // 128 × their sum
};

// What may be: masks[q] has bit r where bounds[q][r] = float(product) × scale + length × residual
// >= limit, the product that of the signed values of query q and row r. Both are written where
// masks[q] is not 0, of which queries has bit q.
struct Promising {
  uint32_t queries;
  uint32_t masks[kTileQueries];
  alignas(64) float bounds[kTileQueries][kPanelRows];

  uint32_t mask(size_t q) const { return (queries >> q & 1) == 0 ? 0 : masks[q]; }
};

// With the processor's instructions: AVX-512 VNNI reads the panels of one query as fast as memory
// gives them, AVX2 nearly. Returns for how many queries the panel was not given up; where these are
// many, that may be all.
//
// Giving up changes no mask but by rounding: with h the product of the heads,
// |product - h| scale <= rest × rest by Cauchy and Schwarz, so that where
// h × scale + rest × rest + length × residual < limit the bound is below the limit too.
size_t promising_rows(const Panel& panel, const Tile& tile, size_t groups, Promising& promising);

// The same, one product after the other; the roundings of the sum may differ.
size_t promising_rows_plain(const Panel& panel, const Tile& tile, size_t groups,
                            Promising& promising);

// Whether the processor has instructions for it: without them promising_rows is the plain function,
// and float32 is faster.
bool has_int8_instructions();

}  // namespace cairn::search::kernels
