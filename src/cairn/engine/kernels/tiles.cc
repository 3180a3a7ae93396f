#include "cairn/engine/kernels/tiles.h"

#ifdef CAIRN_HAS_AMX
#include <immintrin.h>
#define CAIRN_TILES __attribute__((target("amx-tile,amx-int8,amx-bf16")))
#endif

namespace cairn::engine::kernels {
namespace {

// Which tile is which. What is left of a position after whole tiles has tiles of its own.
constexpr size_t kSums = 0;  // three of them
constexpr size_t kX = 3;
constexpr size_t kXRest = 4;
constexpr size_t kWeights = 5;  // two of them, in turns
constexpr size_t kWeightsRest = 7;

}  // namespace

TileProduct::TileProduct(size_t width, size_t in_bytes, bool bytes)
    : width_(width), in_bytes_(in_bytes), bytes_(bytes) {
  const size_t tiles = (width + TileShapes::kRows - 1) / TileShapes::kRows;
  positions_ = (width + tiles - 1) / tiles;
  for (size_t i = 0; i < 3; ++i) shapes_.set(kSums + i, positions_, TileShapes::kBytes);
  shapes_.set(kX, positions_, TileShapes::kBytes);
  for (size_t i = 0; i < 2; ++i) shapes_.set(kWeights + i, TileShapes::kRows, TileShapes::kBytes);
  if (const size_t rest = in_bytes % TileShapes::kBytes; rest > 0) {
    shapes_.set(kXRest, positions_, rest);
    shapes_.set(kWeightsRest, rest / 4, TileShapes::kBytes);
  }
}

#ifdef CAIRN_HAS_AMX

namespace {

// One tile, as TileProduct::multiply gets it.
struct Tile {
  const char* x;
  const char* weights;
  size_t in_bytes;
  char* y;
  size_t y_block;  // bytes
};

// The tiles' numbers have to be literals.
#define CAIRN_MULTIPLY(sums, x, weights) \
  if constexpr (kBytes)                  \
    _tile_dpbusd(sums, x, weights);      \
  else                                   \
    _tile_dpbf16ps(sums, x, weights)
#define CAIRN_ADD_PRODUCTS(x, first, second, third)              \
  _tile_loadd(first, weights, TileShapes::kBytes);               \
  CAIRN_MULTIPLY(0, x, first);                                   \
  if constexpr (kBlocks > 1) {                                   \
    _tile_loadd(second, weights + block, TileShapes::kBytes);    \
    CAIRN_MULTIPLY(1, x, second);                                \
  }                                                              \
  if constexpr (kBlocks > 2) {                                   \
    _tile_loadd(third, weights + 2 * block, TileShapes::kBytes); \
    CAIRN_MULTIPLY(2, x, third);                                 \
  }

template <bool kBytes, size_t kBlocks>
CAIRN_TILES void multiply_positions(const Tile& tile) {
  const char* x = tile.x;
  const char* weights = tile.weights;
  const size_t block = tile.in_bytes * TileShapes::kRows;
  _tile_zero(0);
  if constexpr (kBlocks > 1) _tile_zero(1);
  if constexpr (kBlocks > 2) _tile_zero(2);
  for (size_t k = tile.in_bytes / TileShapes::kBytes; k > 0; --k) {
    _tile_loadd(3, x, tile.in_bytes);
    CAIRN_ADD_PRODUCTS(3, 5, 6, 5)
    x += TileShapes::kBytes;
    weights += TileShapes::kBytes * TileShapes::kRows;
  }
  if (tile.in_bytes % TileShapes::kBytes > 0) {
    _tile_loadd(4, x, tile.in_bytes);
    CAIRN_ADD_PRODUCTS(4, 7, 7, 7)
  }
  char* const y = tile.y;
  _tile_stored(0, y, TileShapes::kBytes);
  if constexpr (kBlocks > 1) _tile_stored(1, y + tile.y_block, TileShapes::kBytes);
  if constexpr (kBlocks > 2) _tile_stored(2, y + 2 * tile.y_block, TileShapes::kBytes);
}

template <bool kBytes>
CAIRN_TILES void multiply_blocks(const Tile& tile, size_t blocks) {
  if (blocks == 3) multiply_positions<kBytes, 3>(tile);
  if (blocks == 2) multiply_positions<kBytes, 2>(tile);
  if (blocks == 1) multiply_positions<kBytes, 1>(tile);
}

}  // namespace

void TileProduct::multiply(const void* x, size_t tile, const void* weights, size_t blocks, void* y,
                           size_t y_block) const {
  const Tile one{static_cast<const char*>(x) + first(tile) * in_bytes_,
                 static_cast<const char*>(weights), in_bytes_, static_cast<char*>(y),
                 y_block * sizeof(float)};
  asm volatile("" ::: "memory");  // the loads of tiles do not tell the compiler what they read
  if (bytes_)
    multiply_blocks<true>(one, blocks);
  else
    multiply_blocks<false>(one, blocks);
}

#else

void TileProduct::multiply(const void*, size_t, const void*, size_t, void*, size_t) const {}

#endif

}  // namespace cairn::engine::kernels
