// Inner products of 8-bit rows with bounds of their errors: which rows of a panel may be hits of a
// query. A panel is kPanelRows index rows, a tile one query, kTileQueries, or, where the processor
// has a matrix unit, kWideQueries.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::search::kernels {

inline constexpr size_t kPanelRows = 32;
inline constexpr size_t kTileQueries = 12;
inline constexpr size_t kWideQueries = 32;
inline constexpr size_t kGroup = 4;        // dimensions that lie together
inline constexpr size_t kTileGroups = 16;  // groups that a matrix unit takes at once

// Where in a tile's values the `group` of query q is, and how many bytes they have. Those of a wide
// tile are kTileGroups of 16 queries at a time, query by query, the last filled with zeros.
constexpr size_t place_in_tile(size_t queries, size_t q, size_t group) {
  if (queries != kWideQueries) return (group * queries + q) * kGroup;
  return ((group / kTileGroups * kWideQueries + q) * kTileGroups + group % kTileGroups) * kGroup;
}
constexpr size_t bytes_of_tile(size_t queries, size_t groups) {
  if (queries != kWideQueries) return groups * queries * kGroup;
  return (groups + kTileGroups - 1) / kTileGroups * kTileGroups * queries * kGroup;
}

struct Panel {
  const uint8_t* values;  // groups × kPanelRows × kGroup: the signed values + 128; 64-byte aligned
  const float* scales;    // of each row: row ≈ scale × signed values
  const float* residuals;  // the length of what that leaves out; -infinity: no such row
  const float* rests;      // of each row: the length of scale × values after the tile's head
  const uint8_t* next;     // values of the panel after it, which are fetched meanwhile
};

struct Tile {
  size_t queries;          // 1, kTileQueries or kWideQueries
  const int8_t* values;    // see place_in_tile
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
  uint32_t masks[kWideQueries];
  alignas(64) float bounds[kWideQueries][kPanelRows];

  uint32_t mask(size_t q) const { return (queries >> q & 1) == 0 ? 0 : masks[q]; }
};

// With the processor's instructions: AVX-512 VNNI reads the panels of one query as fast as memory
// gives them, AVX2 nearly. Returns for how many queries the panel was not given up; where these are
// many, that may be all. Wide tiles need has_wide_tiles() and the shapes of int8_tiles.h.
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

// Whether it has a matrix unit for wide tiles: eight times the products of a cycle.
bool has_wide_tiles();

}  // namespace cairn::search::kernels
