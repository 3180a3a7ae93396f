#include "cairn/search/kernels/int8_tiles.h"

#include <cstring>

#ifdef CAIRN_HAS_AMX
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,amx-tile,amx-int8")
#pragma GCC diagnostic push  // GCC 12 takes what its intrinsics leave undefined for a mistake
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace cairn::search::kernels {

TileShapes shapes_of_wide_tiles() {
  TileShapes shapes;
  for (size_t tile = 0; tile < 8; ++tile) shapes.set(tile, TileShapes::kRows, TileShapes::kBytes);
  return shapes;
}

#ifdef CAIRN_HAS_AMX

namespace {

constexpr size_t kLanes = 16;
constexpr size_t kTileBytes = TileShapes::kRows * TileShapes::kBytes;
constexpr size_t kRowBytes = kPanelRows * kGroup;  // of one group of a panel
static_assert(kPanelRows == 2 * kLanes && kWideQueries == 2 * TileShapes::kRows);

struct alignas(64) Sums {
  int32_t of[kWideQueries][kPanelRows];
};

// Tiles 0 to 3 += 16 groups of both halves of the queries with both halves of the rows.
inline void add_groups(const int8_t* queries, const uint8_t* rows, const uint8_t* next) {
  __builtin_prefetch(next, 0, 2);
  _tile_loadd(4, queries, TileShapes::kBytes);
  _tile_loadd(6, rows, kRowBytes);
  _tile_dpbsud(0, 4, 6);
  _tile_loadd(7, rows + kLanes * kGroup, kRowBytes);
  __builtin_prefetch(next + 64, 0, 2);
  _tile_dpbsud(1, 4, 7);
  __builtin_prefetch(next + 128, 0, 2);
  _tile_loadd(5, queries + kTileBytes, TileShapes::kBytes);
  _tile_dpbsud(2, 5, 6);
  __builtin_prefetch(next + 192, 0, 2);
  _tile_dpbsud(3, 5, 7);
}

void multiply(const Panel& panel, const Tile& tile, size_t groups, Sums& sums) {
  const uint8_t* rows = panel.values;
  const int8_t* queries = tile.values;
  const uint8_t* next = panel.next;
  asm volatile("" ::: "memory");  // the loads of tiles do not tell the compiler what they read
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (size_t step = groups / kTileGroups; step > 0; --step) {
    add_groups(queries, rows, next);
    next += 256;
    queries += 2 * kTileBytes;
    rows += kTileGroups * kRowBytes;
  }
  if (const size_t rest = groups % kTileGroups; rest > 0) {  // the queries' values end in zeros
    alignas(64) uint8_t last[kTileGroups * kRowBytes] = {};
    std::memcpy(last, rows, rest * kRowBytes);
    asm volatile("" ::: "memory");
    add_groups(queries, last, next);
  }
  constexpr size_t kStride = sizeof(sums.of[0]);
  _tile_stored(0, &sums.of[0][0], kStride);
  _tile_stored(1, &sums.of[0][kLanes], kStride);
  _tile_stored(2, &sums.of[TileShapes::kRows][0], kStride);
  _tile_stored(3, &sums.of[TileShapes::kRows][kLanes], kStride);
}

}  // namespace

size_t promising_rows_of_wide_tile(const Panel& panel, const Tile& tile, size_t groups,
                                   Promising& promising) {
  Sums sums;
  multiply(panel, tile, groups, sums);
  promising.queries = 0;
  const __m512 scales[2] = {_mm512_loadu_ps(panel.scales), _mm512_loadu_ps(panel.scales + kLanes)};
  const __m512 residuals[2] = {_mm512_loadu_ps(panel.residuals),
                               _mm512_loadu_ps(panel.residuals + kLanes)};
  for (size_t q = 0; q < kWideQueries; ++q) {
    const __m512i offset = _mm512_set1_epi32(tile.offsets[q]);
    const __m512 length = _mm512_set1_ps(tile.lengths[q]);
    const __m512 limit = _mm512_set1_ps(tile.limits[q]);
    __m512 bounds[2];
#pragma GCC unroll 2
    for (size_t half = 0; half < 2; ++half) {
      const __m512i product =
          _mm512_add_epi32(_mm512_load_si512(&sums.of[q][half * kLanes]), offset);
      bounds[half] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(product), scales[half],
                                     _mm512_mul_ps(length, residuals[half]));
    }
    const __mmask16 low = _mm512_cmp_ps_mask(bounds[0], limit, _CMP_GE_OQ);
    const __mmask16 high = _mm512_cmp_ps_mask(bounds[1], limit, _CMP_GE_OQ);
    if (_kortestz_mask16_u8(low, high) != 0) continue;
    promising.queries |= uint32_t{1} << q;
    promising.masks[q] = static_cast<uint32_t>(low) | static_cast<uint32_t>(high) << kLanes;
    _mm512_store_ps(promising.bounds[q], bounds[0]);
    _mm512_store_ps(promising.bounds[q] + kLanes, bounds[1]);
  }
  return kWideQueries;
}

#pragma GCC diagnostic pop
#pragma GCC pop_options

#else

size_t promising_rows_of_wide_tile(const Panel& panel, const Tile& tile, size_t groups,
                                   Promising& promising) {
  return promising_rows_plain(panel, tile, groups, promising);
}

#endif

}  // namespace cairn::search::kernels
