#include "cairn/search/kernels/int8_panel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/search/kernels/int8_panel.cc"
#define HWY_WANT_AVX3_DL  // the target with 8-bit dot products
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::search::kernels {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL

// Highway 1.0 has no 8-bit dot product, and does not ask the compiler for it; it does ask the
// processor before it chooses this target.
__attribute__((target("avx512vnni"))) void promising_rows_impl(const Panel& panel, const Tile& tile,
                                                               size_t groups, uint32_t* masks) {
  constexpr size_t kLanes = 16;
  constexpr size_t kVectors = kPanelRows / kLanes;
  __m512i products[kTileQueries][kVectors];
  for (size_t q = 0; q < kTileQueries; ++q)
    for (auto& product : products[q]) product = _mm512_set1_epi32(tile.offsets[q]);
  const uint8_t* rows = panel.values;
  const int8_t* queries = tile.values;
  for (size_t group = 0; group < groups; ++group) {
    const __m512i first = _mm512_load_si512(rows);
    const __m512i second = _mm512_load_si512(rows + kLanes * kGroup);
#pragma GCC unroll 12
    for (size_t q = 0; q < kTileQueries; ++q) {
      int32_t four = 0;
      __builtin_memcpy(&four, queries + q * kGroup, sizeof(four));
      const __m512i query = _mm512_set1_epi32(four);
      products[q][0] = _mm512_dpbusd_epi32(products[q][0], first, query);
      products[q][1] = _mm512_dpbusd_epi32(products[q][1], second, query);
    }
    rows += kPanelRows * kGroup;
    queries += kTileQueries * kGroup;
  }
  for (size_t q = 0; q < kTileQueries; ++q) {
    masks[q] = 0;
    for (size_t v = 0; v < kVectors; ++v) {
      const __m512 errors = _mm512_mul_ps(_mm512_set1_ps(tile.lengths[q]),
                                          _mm512_loadu_ps(panel.residuals + v * kLanes));
      const __m512 most = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[q][v]),
                                          _mm512_loadu_ps(panel.scales + v * kLanes), errors);
      const auto mask = static_cast<uint32_t>(
          _mm512_cmp_ps_mask(most, _mm512_set1_ps(tile.limits[q]), _CMP_GE_OQ));
      masks[q] |= mask << (v * kLanes);
    }
  }
}

bool has_int8_instructions_impl() { return __builtin_cpu_supports("avx512vnni") != 0; }

#else

void promising_rows_impl(const Panel& panel, const Tile& tile, size_t groups, uint32_t* masks) {
  promising_rows_plain(panel, tile, groups, masks);
}

bool has_int8_instructions_impl() { return false; }

#endif

}  // namespace HWY_NAMESPACE
}  // namespace cairn::search::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::search::kernels {

HWY_EXPORT(promising_rows_impl);
HWY_EXPORT(has_int8_instructions_impl);

void promising_rows(const Panel& panel, const Tile& tile, size_t groups, uint32_t* masks) {
  HWY_DYNAMIC_DISPATCH(promising_rows_impl)(panel, tile, groups, masks);
}

bool has_int8_instructions() { return HWY_DYNAMIC_DISPATCH(has_int8_instructions_impl)(); }

void promising_rows_plain(const Panel& panel, const Tile& tile, size_t groups, uint32_t* masks) {
  for (size_t q = 0; q < kTileQueries; ++q) {
    masks[q] = 0;
    for (size_t r = 0; r < kPanelRows; ++r) {
      int32_t product = tile.offsets[q];
      for (size_t group = 0; group < groups; ++group)
        for (size_t i = 0; i < kGroup; ++i)
          product += panel.values[(group * kPanelRows + r) * kGroup + i] *
                     tile.values[(group * kTileQueries + q) * kGroup + i];
      const float most =
          static_cast<float>(product) * panel.scales[r] + tile.lengths[q] * panel.residuals[r];
      if (most >= tile.limits[q]) masks[q] |= uint32_t{1} << r;
    }
  }
}

}  // namespace cairn::search::kernels
#endif  // HWY_ONCE
