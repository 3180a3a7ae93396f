#include "cairn/search/kernels/int8_tiles.h"

#include <hwy/targets.h>

#include <algorithm>
#include <cstring>

#ifdef CAIRN_HAS_AMX
// GCC 12 warns of its own way to say that a register's content does not matter.
#ifndef __clang__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#ifndef __clang__
#pragma GCC diagnostic pop
#endif
#endif

namespace cairn::search::kernels {

#ifdef CAIRN_HAS_AMX
namespace {

#define CAIRN_AMX __attribute__((target("amx-tile,amx-int8,avx512f,avx512bw,avx512dq,avx512vl")))

constexpr size_t kLine = 64;
constexpr size_t kLanes = 16;
constexpr size_t kRowStride = kPanelRows * kGroup;        // of a panel, by group
constexpr size_t kStepStride = kStepGroups * kRowStride;  // by step
constexpr size_t kTileBytes = kQueryTile * kStepBytes;    // of queries
static_assert(kRowStride == 2 * kLine && kStepBytes == kLine && kPanelRows == 2 * kLanes);

// Sums of a tile of queries with panels.
struct alignas(64) Sums {
  int32_t of[kQueryTile][kTilePanels * kPanelRows];
};
constexpr size_t kSumsStride = sizeof(Sums::of[0]);

// Compares sums of the panels with limits.
template <size_t kPanels>
class Finder {
 public:
  CAIRN_AMX Finder(const Panel* panels, const QueryTiles& queries, PromisingRows* found)
      : offsets_(queries.offsets),
        lengths_(queries.lengths),
        limits_(queries.limits),
        begin_(found),
        end_(found) {
    for (size_t v = 0; v < 2 * kPanels; ++v) {
      scales_[v] = _mm512_loadu_ps(panels[v / 2].scales + v % 2 * kLanes);
      residuals_[v] = _mm512_loadu_ps(panels[v / 2].residuals + v % 2 * kLanes);
    }
  }

  CAIRN_AMX inline __attribute__((always_inline)) void find(size_t q, const int32_t* sums) {
    const __m512i offset = _mm512_set1_epi32(offsets_[q]);
    const __m512 length = _mm512_set1_ps(lengths_[q]);
    const __m512 limit = _mm512_set1_ps(limits_[q]);
    __m512 bounds[2 * kPanels];
    __mmask16 masks[2 * kPanels];
    __mmask16 any = 0;
#pragma GCC unroll 4
    for (size_t v = 0; v < 2 * kPanels; ++v) {
      const __m512i products = _mm512_add_epi32(_mm512_load_si512(sums + v * kLanes), offset);
      bounds[v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), scales_[v],
                                  _mm512_mul_ps(length, residuals_[v]));
      masks[v] = _mm512_cmp_ps_mask(bounds[v], limit, _CMP_GE_OQ);
      any = _kor_mask16(any, masks[v]);
    }
    if (__builtin_expect(_kortestz_mask16_u8(any, any), 1) != 0) return;
    for (size_t p = 0; p < kPanels; ++p) {
      const uint32_t mask =
          static_cast<uint32_t>(masks[2 * p]) | static_cast<uint32_t>(masks[2 * p + 1]) << kLanes;
      if (mask == 0) continue;
      _mm512_store_ps(end_->bounds, bounds[2 * p]);
      _mm512_store_ps(end_->bounds + kLanes, bounds[2 * p + 1]);
      end_->query = static_cast<uint32_t>(q);
      end_->panel = static_cast<uint32_t>(p);
      end_->mask = mask;
      ++end_;
    }
  }

  size_t count() const { return static_cast<size_t>(end_ - begin_); }

 private:
  const int32_t* offsets_;
  const float* lengths_;
  const float* limits_;
  PromisingRows* begin_;
  PromisingRows* end_;
  __m512 scales_[2 * kPanels];
  __m512 residuals_[2 * kPanels];
};

// The last groups of panels where they fill no step, and zeros.
struct alignas(64) LastStep {
  uint8_t values[kTilePanels][kStepStride];
};

// A tile of queries multiplies panels: one tile of theirs, which comes from the second-level cache,
// with all of the rows', which stay in the first. Meanwhile the sums of the tile before are
// compared, which would else wait for each other, and the next panels are fetched.
template <size_t kPanels>
CAIRN_AMX size_t multiply(const Panel* panels, const QueryTiles& queries, size_t groups,
                          PromisingRows* found) {
  const size_t steps = tile_steps(groups);
  const size_t tiles = queries.queries / kQueryTile;
  const size_t in_last = (groups - (steps - 1) * kStepGroups) * kRowStride;
  const uint8_t* rows[kPanels];
  const uint8_t* last[kPanels];
  LastStep padded;
  for (size_t p = 0; p < kPanels; ++p) {
    rows[p] = panels[p].values;
    last[p] = rows[p] + (steps - 1) * kStepStride;
    if (in_last == kStepStride) continue;
    std::memcpy(padded.values[p], last[p], in_last);
    std::memset(padded.values[p] + in_last, 0, kStepStride - in_last);
    last[p] = padded.values[p];
  }
  asm volatile("" ::: "memory");  // tile loads do not tell the compiler that they read
  const size_t bytes = groups * kRowStride;
  const size_t fetched = (bytes / kLine + tiles * steps - 1) / (tiles * steps) * kLine;  // a step
  size_t fetch = 0;
  const size_t compared = (kQueryTile + steps - 1) / steps;  // a step
  Finder<kPanels> finder(panels, queries, found);
  Sums sums[2];
  for (size_t tile = 0; tile < tiles; ++tile) {
    const int8_t* query = queries.values + tile * steps * kTileBytes;
    size_t before = tile == 0 ? kQueryTile : 0;
    const Sums& sums_before = sums[(tile + 1) % 2];
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (kPanels == 2) {
      _tile_zero(2);
      _tile_zero(3);
    }
    for (size_t step = 0; step < steps; ++step, query += kTileBytes) {
      const bool at_last = step + 1 == steps;
      const uint8_t* of_first = at_last ? last[0] : rows[0] + step * kStepStride;
      _tile_loadd(4, query, kStepBytes);
      _tile_loadd(5, of_first, kRowStride);
      _tile_dpbsud(0, 4, 5);
      _tile_loadd(6, of_first + kLine, kRowStride);
      _tile_dpbsud(1, 4, 6);
      if constexpr (kPanels == 2) {
        const uint8_t* of_second = at_last ? last[1] : rows[1] + step * kStepStride;
        _tile_loadd(7, of_second, kRowStride);
        _tile_dpbsud(2, 4, 7);
        _tile_loadd(5, of_second + kLine, kRowStride);
        _tile_dpbsud(3, 4, 5);
      }
      for (const size_t end = std::min(fetch + fetched, bytes); fetch < end; fetch += kLine)
        for (size_t p = 0; p < kPanels; ++p) __builtin_prefetch(panels[p].next + fetch, 0, 2);
      for (size_t i = 0; i < compared && before < kQueryTile; ++i, ++before)
        finder.find((tile - 1) * kQueryTile + before, sums_before.of[before]);
    }
    int32_t* out = sums[tile % 2].of[0];
    _tile_stored(0, out, kSumsStride);
    _tile_stored(1, out + kLanes, kSumsStride);
    if constexpr (kPanels == 2) {
      _tile_stored(2, out + 2 * kLanes, kSumsStride);
      _tile_stored(3, out + 3 * kLanes, kSumsStride);
    }
  }
  for (size_t q = 0; q < kQueryTile && tiles > 0; ++q)
    finder.find((tiles - 1) * kQueryTile + q, sums[(tiles - 1) % 2].of[q]);
  return finder.count();
}

}  // namespace

bool has_int8_tiles() { return has_amx() && (hwy::SupportedTargets() & HWY_AVX3_DL) != 0; }

size_t promising_in_tiles(std::span<const Panel> panels, const QueryTiles& queries, size_t groups,
                          PromisingRows* found) {
  return (panels.size() == 2 ? multiply<2> : multiply<1>)(panels.data(), queries, groups, found);
}

#else

bool has_int8_tiles() { return false; }

size_t promising_in_tiles(std::span<const Panel> panels, const QueryTiles& queries, size_t groups,
                          PromisingRows* found) {
  return promising_in_tiles_plain(panels, queries, groups, found);
}

#endif

TileShapes shapes_of_tiles() {
  constexpr size_t kTiles = 8;
  TileShapes shapes;
  for (size_t tile = 0; tile < kTiles; ++tile)
    shapes.set(tile, TileShapes::kRows, TileShapes::kBytes);
  return shapes;
}

size_t promising_in_tiles_plain(std::span<const Panel> panels, const QueryTiles& queries,
                                size_t groups, PromisingRows* found) {
  const size_t steps = tile_steps(groups);
  size_t count = 0;
  for (size_t q = 0; q < queries.queries; ++q) {
    for (size_t p = 0; p < panels.size(); ++p) {
      const Panel& panel = panels[p];
      PromisingRows rows{{}, static_cast<uint32_t>(q), static_cast<uint32_t>(p), 0};
      for (size_t r = 0; r < kPanelRows; ++r) {
        int32_t product = queries.offsets[q];
        for (size_t d = 0; d < groups * kGroup; ++d)
          product += panel.values[(d / kGroup * kPanelRows + r) * kGroup + d % kGroup] *
                     queries.values[tile_place(q, d, steps)];
        rows.bounds[r] =
            static_cast<float>(product) * panel.scales[r] + queries.lengths[q] * panel.residuals[r];
        if (rows.bounds[r] >= queries.limits[q]) rows.mask |= uint32_t{1} << r;
      }
      if (rows.mask != 0) found[count++] = rows;
    }
  }
  return count;
}

}  // namespace cairn::search::kernels
