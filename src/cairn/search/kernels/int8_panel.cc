#include "cairn/search/kernels/int8_panel.h"

#include <limits>

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
#define CAIRN_VNNI __attribute__((target("avx512vnni")))

constexpr size_t kLanes = 16;
static_assert(kPanelRows == 2 * kLanes);

// sums + rows × query. Not the intrinsic, for which GCC 12 copies the sums to the stack and back.
CAIRN_VNNI inline void add_products(__m512i& sums, __m512i rows, __m512i query) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(rows), "v"(query));
}

CAIRN_VNNI inline __m512i four_values(const int8_t* query) {
  int32_t four = 0;
  __builtin_memcpy(&four, query, sizeof(four));
  return _mm512_set1_epi32(four);
}

// Whether any row may still be promising when its other dimensions are as good as can be. NaN says
// nothing, so yes.
CAIRN_VNNI inline bool hopeful(const Panel& panel, const Tile& tile, size_t q, __m512i first,
                               __m512i second) {
  const __m512 length = _mm512_set1_ps(tile.lengths[q]);
  const __m512 rest = _mm512_set1_ps(tile.rests[q]);
  const __m512i offset = _mm512_set1_epi32(tile.rest_offsets[q]);
  const __m512 limit = _mm512_set1_ps(tile.limits[q]);
  const auto any_of = [&](__m512i products, size_t at) CAIRN_VNNI {
    const __m512 errors =
        _mm512_fmadd_ps(rest, _mm512_loadu_ps(panel.rests + at),
                        _mm512_mul_ps(length, _mm512_loadu_ps(panel.residuals + at)));
    const __m512 bounds = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(products, offset)),
                                          _mm512_loadu_ps(panel.scales + at), errors);
    return _mm512_cmp_ps_mask(bounds, limit, _CMP_NLT_UQ);
  };
  return (any_of(first, 0) | any_of(second, kLanes)) != 0;
}

// The products of the rows' two vectors with query q.
CAIRN_VNNI inline void find(const Panel& panel, const Tile& tile, size_t q, __m512i first,
                            __m512i second, Promising& promising) {
  const __m512 length = _mm512_set1_ps(tile.lengths[q]);
  const __m512 limit = _mm512_set1_ps(tile.limits[q]);
  const auto bounds_of = [&](__m512i products, size_t at) CAIRN_VNNI {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), _mm512_loadu_ps(panel.scales + at),
                           _mm512_mul_ps(length, _mm512_loadu_ps(panel.residuals + at)));
  };
  const __m512 bounds = bounds_of(first, 0);
  const __m512 more = bounds_of(second, kLanes);
  const __mmask16 low = _mm512_cmp_ps_mask(bounds, limit, _CMP_GE_OQ);
  const __mmask16 high = _mm512_cmp_ps_mask(more, limit, _CMP_GE_OQ);
  if (_kortestz_mask16_u8(low, high) != 0) return;
  promising.queries |= uint32_t{1} << q;
  promising.masks[q] = static_cast<uint32_t>(low) | static_cast<uint32_t>(high) << kLanes;
  _mm512_store_ps(promising.bounds[q], bounds);
  _mm512_store_ps(promising.bounds[q] + kLanes, more);
}

// Sums of a tile, of the panel's two vectors and each query.
struct Sums {
  __m512i first[kTileQueries];
  __m512i second[kTileQueries];
};

// Adds the products of groups [begin, end). All loops over queries are unrolled, so that the sums
// stay in registers.
CAIRN_VNNI inline __attribute__((always_inline)) void add_groups(const Panel& panel,
                                                                 const Tile& tile, size_t begin,
                                                                 size_t end, Sums& sums) {
  const uint8_t* rows = panel.values + begin * kPanelRows * kGroup;
  const uint8_t* next = panel.next + begin * kPanelRows * kGroup;
  const int8_t* queries = tile.values + begin * kTileQueries * kGroup;
  for (size_t group = begin; group < end; ++group) {
    __builtin_prefetch(next);
    __builtin_prefetch(next + kLanes * kGroup);
    const __m512i low = _mm512_load_si512(rows);
    const __m512i high = _mm512_load_si512(rows + kLanes * kGroup);
#pragma GCC unroll 12
    for (size_t q = 0; q < kTileQueries; ++q) {
      const __m512i query = four_values(queries + q * kGroup);
      add_products(sums.first[q], low, query);
      add_products(sums.second[q], high, query);
    }
    rows += kPanelRows * kGroup;
    next += kPanelRows * kGroup;
    queries += kTileQueries * kGroup;
  }
}

// A function of its own: with code between two such loops, GCC 12 keeps sums on the stack in both.
CAIRN_VNNI __attribute__((noinline)) void add_groups_apart(const Panel& panel, const Tile& tile,
                                                           size_t begin, size_t end, Sums& sums) {
  Sums copy = sums;
  add_groups(panel, tile, begin, end, copy);
  sums = copy;
}

CAIRN_VNNI inline __attribute__((always_inline)) void begin_sums(const Tile& tile, Sums& sums) {
#pragma GCC unroll 12
  for (size_t q = 0; q < kTileQueries; ++q)
    sums.first[q] = sums.second[q] = _mm512_set1_epi32(tile.offsets[q]);
}

CAIRN_VNNI inline __attribute__((always_inline)) void find_all(const Panel& panel, const Tile& tile,
                                                               const Sums& sums,
                                                               Promising& promising) {
#pragma GCC unroll 12
  for (size_t q = 0; q < kTileQueries; ++q)
    find(panel, tile, q, sums.first[q], sums.second[q], promising);
}

CAIRN_VNNI size_t find_for_many(const Panel& panel, const Tile& tile, size_t groups,
                                Promising& promising) {
  Sums sums;
  begin_sums(tile, sums);
  add_groups(panel, tile, 0, groups, sums);
  find_all(panel, tile, sums, promising);
  return kTileQueries;
}

// The rest of query q alone: a dozenth of the products of the tile, at half the speed.
CAIRN_VNNI void find_rest(const Panel& panel, const Tile& tile, size_t q, size_t groups,
                          const Sums& sums, Promising& promising) {
  constexpr size_t kTogether = 4;  // groups, so that sums wait for memory and not for each other
  __m512i first[kTogether] = {sums.first[q]};
  __m512i second[kTogether] = {sums.second[q]};
  for (size_t i = 1; i < kTogether; ++i) first[i] = second[i] = _mm512_setzero_si512();
  const uint8_t* rows = panel.values + tile.head * kPanelRows * kGroup;
  const int8_t* values = tile.values + (tile.head * kTileQueries + q) * kGroup;
  const uint8_t* next = panel.next + tile.head * kPanelRows * kGroup;
  const auto add = [&](size_t i) CAIRN_VNNI {
    const __m512i query = four_values(values);
    __builtin_prefetch(next);
    __builtin_prefetch(next + kLanes * kGroup);
    next += kPanelRows * kGroup;
    add_products(first[i], _mm512_load_si512(rows), query);
    add_products(second[i], _mm512_load_si512(rows + kLanes * kGroup), query);
    rows += kPanelRows * kGroup;
    values += kTileQueries * kGroup;
  };
  size_t group = tile.head;
  for (; group + kTogether <= groups; group += kTogether) {
#pragma GCC unroll 4
    for (size_t i = 0; i < kTogether; ++i) add(i);
  }
  for (; group < groups; ++group) add(0);
  const auto sum = [](const __m512i* of) CAIRN_VNNI {
    return _mm512_add_epi32(_mm512_add_epi32(of[0], of[1]), _mm512_add_epi32(of[2], of[3]));
  };
  find(panel, tile, q, sum(first), sum(second), promising);
}

// For which queries the panel is hopeful after the head. Writes sums where there are any.
CAIRN_VNNI __attribute__((noinline)) uint32_t multiply_head(const Panel& panel, const Tile& tile,
                                                            Sums& result) {
  Sums sums;
  begin_sums(tile, sums);
  add_groups(panel, tile, 0, tile.head, sums);
  uint32_t left = 0;
#pragma GCC unroll 12
  for (size_t q = 0; q < kTileQueries; ++q)
    left |= static_cast<uint32_t>(hopeful(panel, tile, q, sums.first[q], sums.second[q])) << q;
  if (left != 0) result = sums;
  return left;
}

CAIRN_VNNI size_t ask_for_many(const Panel& panel, const Tile& tile, size_t groups,
                               Promising& promising) {
  constexpr int kFew = 5;  // that are faster one by one
  Sums sums;
  uint32_t left = multiply_head(panel, tile, sums);
  const int count = __builtin_popcount(left);
  if (count <= kFew) {
    for (; left != 0; left &= left - 1)
      find_rest(panel, tile, static_cast<size_t>(__builtin_ctz(left)), groups, sums, promising);
    return static_cast<size_t>(count);
  }
  add_groups_apart(panel, tile, tile.head, groups, sums);
  find_all(panel, tile, sums, promising);
  return kTileQueries;
}

// sums + 16 rows × four values of one query, with which they fill no register.
CAIRN_VNNI inline void add_products(__m512i& sums, const uint8_t* rows, const int8_t* query) {
  asm("vpdpbusd %2%{1to16%}, %1, %0"
      : "+v"(sums)
      : "v"(_mm512_load_si512(rows)), "m"(*reinterpret_cast<const int8_t(*)[kGroup]>(query)));
}

struct SumsOfOne {
  __m512i first;
  __m512i second;
};

// Adds the products of groups [begin, end) with one query. Memory gives as many rows at once as the
// processor holds instructions that wait, so here these are few. A function of its own: inlined
// twice, GCC 12 copies the sums from register to register. kFetch: of a head, after which the next
// panel is not what the processor expects.
template <bool kFetch>
CAIRN_VNNI __attribute__((noinline)) SumsOfOne add_groups_of_one(const Panel& panel,
                                                                 const Tile& tile, size_t begin,
                                                                 size_t end, SumsOfOne sums) {
  constexpr size_t kBytes = kLanes * kGroup;
  constexpr size_t kTogether = 4;
  const uint8_t* rows = panel.values + begin * 2 * kBytes;
  const uint8_t* next = panel.next + begin * 2 * kBytes;
  const int8_t* query = tile.values + begin * kGroup;
  // Those of odd groups apart, so that sums wait for memory and not for each other.
  SumsOfOne odd{_mm512_setzero_si512(), _mm512_setzero_si512()};
  const auto add = [&](SumsOfOne& to, size_t i) CAIRN_VNNI {
    add_products(to.first, rows + 2 * i * kBytes, query + i * kGroup);
    add_products(to.second, rows + (2 * i + 1) * kBytes, query + i * kGroup);
  };
  size_t group = begin;
  for (; group + kTogether <= end; group += kTogether) {
#pragma GCC unroll 4
    for (size_t i = 0; i < kTogether; ++i) add(i % 2 == 0 ? sums : odd, i);
    if constexpr (kFetch)
      for (size_t i = 0; i < kTogether * 2; ++i) __builtin_prefetch(next + i * kBytes);
    next += kTogether * 2 * kBytes;
    rows += kTogether * 2 * kBytes;
    query += kTogether * kGroup;
  }
  for (size_t i = 0; group + i < end; ++i) add(sums, i);
  return {_mm512_add_epi32(sums.first, odd.first), _mm512_add_epi32(sums.second, odd.second)};
}

CAIRN_VNNI size_t find_for_one(const Panel& panel, const Tile& tile, size_t groups,
                               Promising& promising) {
  const __m512i offset = _mm512_set1_epi32(tile.offsets[0]);
  SumsOfOne sums{offset, offset};
  size_t begin = 0;
  if (tile.head < groups) {
    begin = tile.head;
    sums = add_groups_of_one<true>(panel, tile, 0, begin, sums);
    if (!hopeful(panel, tile, 0, sums.first, sums.second)) return 0;
  }
  sums = add_groups_of_one<false>(panel, tile, begin, groups, sums);
  find(panel, tile, 0, sums.first, sums.second, promising);
  return 1;
}

size_t promising_rows_impl(const Panel& panel, const Tile& tile, size_t groups,
                           Promising& promising) {
  promising.queries = 0;
  if (tile.queries == 1) return find_for_one(panel, tile, groups, promising);
  return (tile.head < groups ? ask_for_many : find_for_many)(panel, tile, groups, promising);
}

bool has_int8_instructions_impl() { return __builtin_cpu_supports("avx512vnni") != 0; }

#elif HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

// 8-bit products of two may not fit into 16 bits, so they are widened first. One query at a time:
// the panel is in the first-level cache after the first.
constexpr size_t kRows = 4;  // of a vector: two sums of two products each
constexpr size_t kVectors = kPanelRows / kRows;

// Adds the products of groups [begin, end) with query q.
inline void add_products(const Panel& panel, const Tile& tile, size_t q, size_t begin, size_t end,
                         __m256i (&sums)[kVectors]) {
  const uint8_t* rows = panel.values + begin * kPanelRows * kGroup;
  const int8_t* values = tile.values + (begin * tile.queries + q) * kGroup;
  for (size_t group = begin; group < end; ++group) {
    int32_t four = 0;
    __builtin_memcpy(&four, values, sizeof(four));
    const __m256i query = _mm256_broadcastq_epi64(_mm_cvtepi8_epi16(_mm_cvtsi32_si128(four)));
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) {
      const __m128i bytes = _mm_load_si128(reinterpret_cast<const __m128i*>(rows) + v);
      sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(_mm256_cvtepu8_epi16(bytes), query));
    }
    rows += kPanelRows * kGroup;
    values += tile.queries * kGroup;
  }
}

// The bounds of eight rows, of vectors v and v + 1. of_head: the sums are those of the head.
inline __m256 bounds_of(const Panel& panel, const Tile& tile, size_t q, size_t v,
                        const __m256i (&sums)[kVectors], bool of_head) {
  // Rows 0 1 4 5 2 3 6 7 after the addition of neighbours.
  const __m256i added = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums[v], sums[v + 1]), 0xD8);
  const int32_t offset = tile.offsets[q] + (of_head ? tile.rest_offsets[q] : 0);
  const __m256i products = _mm256_add_epi32(added, _mm256_set1_epi32(offset));
  __m256 errors =
      _mm256_mul_ps(_mm256_set1_ps(tile.lengths[q]), _mm256_loadu_ps(panel.residuals + v * kRows));
  if (of_head)
    errors = _mm256_fmadd_ps(_mm256_set1_ps(tile.rests[q]),
                             _mm256_loadu_ps(panel.rests + v * kRows), errors);
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), _mm256_loadu_ps(panel.scales + v * kRows),
                         errors);
}

bool find(const Panel& panel, const Tile& tile, size_t q, size_t groups, Promising& promising) {
  __m256i sums[kVectors];
  for (auto& sum : sums) sum = _mm256_setzero_si256();
  uint32_t masks = 0;
  const __m256 limit = _mm256_set1_ps(tile.limits[q]);
  const size_t head = tile.head < groups ? tile.head : groups;
  add_products(panel, tile, q, 0, head, sums);
  if (head < groups) {
    int any = 0;
    for (size_t v = 0; v < kVectors; v += 2)
      any |= _mm256_movemask_ps(
          _mm256_cmp_ps(bounds_of(panel, tile, q, v, sums, true), limit, _CMP_NLT_UQ));
    if (any == 0) return false;
    add_products(panel, tile, q, head, groups, sums);
  }
  __m256 bounds[kVectors / 2];
  for (size_t v = 0; v < kVectors; v += 2) {
    bounds[v / 2] = bounds_of(panel, tile, q, v, sums, false);
    const int mask = _mm256_movemask_ps(_mm256_cmp_ps(bounds[v / 2], limit, _CMP_GE_OQ));
    masks |= static_cast<uint32_t>(mask) << (v * kRows);
  }
  if (masks == 0) return true;
  promising.queries |= uint32_t{1} << q;
  promising.masks[q] = masks;
  for (size_t v = 0; v < kVectors / 2; ++v)
    _mm256_store_ps(promising.bounds[q] + v * 2 * kRows, bounds[v]);
  return true;
}

size_t promising_rows_impl(const Panel& panel, const Tile& tile, size_t groups,
                           Promising& promising) {
  constexpr size_t kLine = 64;
  size_t whole = 0;
  promising.queries = 0;
  if (tile.queries > 1 && panel.next != panel.values)
    for (size_t i = 0; i < groups * kPanelRows * kGroup; i += kLine)
      __builtin_prefetch(panel.next + i);
  for (size_t q = 0; q < tile.queries; ++q) {
    if (tile.limits[q] == std::numeric_limits<float>::infinity()) continue;
    whole += find(panel, tile, q, groups, promising) ? 1 : 0;
  }
  return whole;
}

bool has_int8_instructions_impl() { return true; }

#else

size_t promising_rows_impl(const Panel& panel, const Tile& tile, size_t groups,
                           Promising& promising) {
  return promising_rows_plain(panel, tile, groups, promising);
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

size_t promising_rows(const Panel& panel, const Tile& tile, size_t groups, Promising& promising) {
  return HWY_DYNAMIC_DISPATCH(promising_rows_impl)(panel, tile, groups, promising);
}

bool has_int8_instructions() { return HWY_DYNAMIC_DISPATCH(has_int8_instructions_impl)(); }

namespace {

int32_t product_of(const Panel& panel, const Tile& tile, size_t q, size_t r, size_t groups) {
  int32_t product = 0;
  for (size_t group = 0; group < groups; ++group)
    for (size_t i = 0; i < kGroup; ++i)
      product += panel.values[(group * kPanelRows + r) * kGroup + i] *
                 tile.values[(group * tile.queries + q) * kGroup + i];
  return product;
}

}  // namespace

size_t promising_rows_plain(const Panel& panel, const Tile& tile, size_t groups,
                            Promising& promising) {
  size_t whole = 0;
  promising.queries = 0;
  for (size_t q = 0; q < tile.queries; ++q) {
    bool any = tile.head >= groups;
    for (size_t r = 0; r < kPanelRows && !any; ++r)
      any = !(static_cast<float>(product_of(panel, tile, q, r, tile.head) + tile.offsets[q] +
                                 tile.rest_offsets[q]) *
                      panel.scales[r] +
                  tile.rests[q] * panel.rests[r] + tile.lengths[q] * panel.residuals[r] <
              tile.limits[q]);
    if (!any) continue;
    ++whole;
    uint32_t mask = 0;
    for (size_t r = 0; r < kPanelRows; ++r) {
      promising.bounds[q][r] =
          static_cast<float>(product_of(panel, tile, q, r, groups) + tile.offsets[q]) *
              panel.scales[r] +
          tile.lengths[q] * panel.residuals[r];
      if (promising.bounds[q][r] >= tile.limits[q]) mask |= uint32_t{1} << r;
    }
    if (mask == 0) continue;
    promising.queries |= uint32_t{1} << q;
    promising.masks[q] = mask;
  }
  return whole;
}

}  // namespace cairn::search::kernels
#endif  // HWY_ONCE
