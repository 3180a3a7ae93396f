// The products of int8_panel.h in the processor's tile registers (Intel AMX): of many queries with
// a panel at once, eight times as many a cycle as in vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cairn/base/amx.h"
#include "cairn/search/kernels/int8_panel.h"

namespace cairn::search::kernels {

inline constexpr size_t kTilePanels = 2;   // at most, that are multiplied together
inline constexpr size_t kQueryTile = 16;   // queries
inline constexpr size_t kStepGroups = 16;  // that are multiplied at once: a line of each query
inline constexpr size_t kStepBytes = kStepGroups * kGroup;

constexpr size_t tile_steps(size_t groups) { return (groups + kStepGroups - 1) / kStepGroups; }

// Queries in tiles. Where value d of query q lies: see tile_place.
struct QueryTiles {
  size_t queries;          // a multiple of kQueryTile
  const int8_t* values;    // queries × steps × kStepBytes, 64-byte aligned; 0 after the groups
  const int32_t* offsets;  // of each query, with lengths and limits, as in Tile
  const float* lengths;
  const float* limits;
};

constexpr size_t tile_place(size_t query, size_t d, size_t steps) {
  const size_t tile = query / kQueryTile * steps + d / kStepBytes;
  return (tile * kQueryTile + query % kQueryTile) * kStepBytes + d % kStepBytes;
}

// A query with promising rows in a panel: bit r of mask where bounds[r] >= its limit.
struct alignas(64) PromisingRows {
  float bounds[kPanelRows];
  uint32_t query;
  uint32_t panel;
  uint32_t mask;
};

// Whether this process may use tile registers. Asks the system for them the first time. Not where
// Highway was told to leave out the vector instructions that belong to them.
bool has_int8_tiles();

// What the thread's tiles have to be meanwhile.
TileShapes shapes_of_tiles();

// Writes which queries have promising rows in one or two panels, by query and then by panel: at
// most queries × panels; returns how many. Needs has_int8_tiles(), and a TileScope of those
// shapes in this thread. No panel is given up: multiplying it takes no longer than asking would.
size_t promising_in_tiles(std::span<const Panel> panels, const QueryTiles& queries, size_t groups,
                          PromisingRows* found);

// The same, one product after the other, on any processor; the roundings of the sum may differ.
size_t promising_in_tiles_plain(std::span<const Panel> panels, const QueryTiles& queries,
                                size_t groups, PromisingRows* found);

}  // namespace cairn::search::kernels
