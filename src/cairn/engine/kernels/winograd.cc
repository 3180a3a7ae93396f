#include "cairn/engine/kernels/winograd.h"

#include <algorithm>
#include <array>

#include "cairn/engine/kernels/avx512_bf16-inl.h"

namespace cairn::engine::kernels {
namespace {

constexpr size_t kTileRows = 2;  // results
constexpr size_t kTileColumns = 4;
constexpr size_t kRows = 4;  // of the tile's transform
constexpr size_t kColumns = 6;
constexpr size_t kParts = kRows * kColumns;
constexpr size_t kOutBlocks = 3;  // of 16 output channels that go together

[[maybe_unused]] constexpr size_t kNearBytes =
    512 << 10;  // weights that stay in the second-level cache
[[maybe_unused]] constexpr float kZeros[kOutBlocks * 16] = {};  // the products have no bias

// The points along rows, and what the transforms make of them.
constexpr float kA = 0.75F;
constexpr float kB = 1.5F;
[[maybe_unused]] constexpr float kA2 = kA * kA;
[[maybe_unused]] constexpr float kB2 = kB * kB;

size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

// Tiles that go together, so that their transforms stay in the second-level cache.
size_t tiles_at_once(const Winograd& convolution) {
  constexpr size_t kBytes = 640 << 10;
  const size_t fit = kBytes / (kParts * convolution.in_channels * sizeof(Bf16));
  return std::clamp<size_t>(fit / 8 * 8, 16, 96);
}

// The tiles of an image. With a dilation of d, those of d × d images: of every d-th row and column.
struct Grid {
  explicit Grid(const Winograd& convolution)
      : dilation(convolution.dilation),
        rows(tiles_of(convolution.out_height, kTileRows)),
        columns(tiles_of(convolution.out_width, kTileColumns)) {}

  size_t tiles() const { return dilation * dilation * rows * columns; }
  size_t tiles_of(size_t results, size_t tile) const {
    return round_up(round_up(results, dilation) / dilation, tile) / tile;
  }
  // The row and the column of the tile's first result; its others are `dilation` apart.
  size_t top(size_t tile) const {
    return tile / (rows * columns) / dilation + tile / columns % rows * kTileRows * dilation;
  }
  size_t left(size_t tile) const {
    return tile / (rows * columns) % dilation + tile % columns * kTileColumns * dilation;
  }

  size_t dilation;
  size_t rows;  // of tiles, of one of the images
  size_t columns;
};

// Numbers between parts: a cache line more than there are, so that the parts of a tile do not
// compete for the same few places of the first-level cache.
size_t transformed_stride(const Winograd& convolution) {
  return tiles_at_once(convolution) * convolution.in_channels + 64 / sizeof(Bf16);
}
size_t product_stride(const Winograd& convolution) {
  return tiles_at_once(convolution) * kOutBlocks * 16 + 64 / sizeof(float);
}

using Matrix = std::array<std::array<double, 3>, kColumns>;

// What makes a filter's three numbers those at the points: of the points' powers, divided by the
// product of the distances to the others.
Matrix filter_transform(const std::vector<double>& points) {
  Matrix matrix{};
  for (size_t i = 0; i < points.size(); ++i) {
    double product = 1;
    for (size_t k = 0; k < points.size(); ++k)
      if (k != i) product *= points[i] - points[k];
    matrix[i] = {1 / product, points[i] / product, points[i] * points[i] / product};
  }
  matrix[points.size()] = {0, 0, 1};  // infinity
  return matrix;
}

}  // namespace

size_t Winograd::tiles() const { return Grid(*this).tiles(); }

size_t Winograd::scratch_bytes() const {
  return kParts *
         (transformed_stride(*this) * sizeof(Bf16) + product_stride(*this) * sizeof(float));
}

std::vector<Bf16> pack_winograd(const float* weights, size_t out_channels, size_t in_channels) {
  const Matrix down = filter_transform({0, 1, -1});
  const Matrix across = filter_transform({0, kA, -kA, kB, -kB});
  std::vector<Bf16> packed;
  packed.reserve(kParts * out_channels * in_channels);
  std::vector<float> part(out_channels * in_channels);
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t j = 0; j < kColumns; ++j) {
      for (size_t k = 0; k < part.size(); ++k) {
        double sum = 0;
        for (size_t y = 0; y < 3; ++y)
          for (size_t x = 0; x < 3; ++x)
            sum += down[i][y] * across[j][x] * double{weights[k * 9 + y * 3 + x]};
        part[k] = static_cast<float>(sum);
      }
      const std::vector<Bf16> pairs = pack_pairs(part.data(), out_channels, in_channels);
      packed.insert(packed.end(), pairs.begin(), pairs.end());
    }
  }
  return packed;
}

}  // namespace cairn::engine::kernels

#ifdef CAIRN_HAS_AVX512_BF16

CAIRN_BEGIN_AVX512_BF16
namespace cairn::engine::kernels {
namespace {

// Six numbers along a row of a tile at the points.
inline void transform_row(const __m512* d, __m512* v) {
  const __m512 a = _mm512_set1_ps(kA);
  const __m512 b = _mm512_set1_ps(kB);
  const __m512 a2 = _mm512_set1_ps(kA2);
  const __m512 b2 = _mm512_set1_ps(kB2);
  const __m512 sum = _mm512_set1_ps(kA2 + kB2);
  const __m512 product = _mm512_set1_ps(kA2 * kB2);
  const __m512 even_a = _mm512_fnmadd_ps(b2, d[2], d[4]);
  const __m512 odd_a = _mm512_mul_ps(a, _mm512_fnmadd_ps(b2, d[1], d[3]));
  const __m512 even_b = _mm512_fnmadd_ps(a2, d[2], d[4]);
  const __m512 odd_b = _mm512_mul_ps(b, _mm512_fnmadd_ps(a2, d[1], d[3]));
  v[0] = _mm512_fmadd_ps(product, d[0], _mm512_fnmadd_ps(sum, d[2], d[4]));
  v[1] = _mm512_add_ps(even_a, odd_a);
  v[2] = _mm512_sub_ps(even_a, odd_a);
  v[3] = _mm512_add_ps(even_b, odd_b);
  v[4] = _mm512_sub_ps(even_b, odd_b);
  v[5] = _mm512_fmadd_ps(product, d[1], _mm512_fnmadd_ps(sum, d[3], d[5]));
}

inline __m512 mix(float of_a, __m512 a, float of_b, __m512 b) {
  return _mm512_fmadd_ps(_mm512_set1_ps(of_a), a, _mm512_mul_ps(_mm512_set1_ps(of_b), b));
}

// The four results along a row of a tile.
inline void invert_row(const __m512* m, __m512* y) {
  const __m512 sum_a = _mm512_add_ps(m[1], m[2]);
  const __m512 difference_a = _mm512_sub_ps(m[1], m[2]);
  const __m512 sum_b = _mm512_add_ps(m[3], m[4]);
  const __m512 difference_b = _mm512_sub_ps(m[3], m[4]);
  y[0] = _mm512_add_ps(m[0], _mm512_add_ps(sum_a, sum_b));
  y[1] = mix(kA, difference_a, kB, difference_b);
  y[2] = mix(kA2, sum_a, kB2, sum_b);
  y[3] = _mm512_add_ps(m[5], mix(kA2 * kA, difference_a, kB2 * kB, difference_b));
}

// X and Y: Bf16, or uint8_t for 8 bits.
template <typename X, typename Y>
class WinogradPass {
 public:
  WinogradPass(const Winograd& convolution, const X* x, const Bf16* residual, Y* y, void* scratch)
      : c_(convolution),
        x_(x),
        residual_(residual),
        y_(y),
        grid_(c_),
        at_once_(tiles_at_once(c_)),
        products_(static_cast<float*>(scratch)),
        transformed_(reinterpret_cast<Bf16*>(products_ + kParts * product_stride(c_))) {}

  void run() {
    const size_t tiles = c_.tiles();
    // Shares as equal as whole tiles of the product allow.
    const size_t shares = (tiles + at_once_ - 1) / at_once_;
    const size_t share = std::min(at_once_, round_up((tiles + shares - 1) / shares, kTile));
    for (size_t first = 0; first < tiles; first += share) {
      const size_t count = std::min(share, tiles - first);
      for (size_t t = 0; t < count; ++t) transform(first + t, t);
      const size_t blocks = c_.out_channels / kLanes;
      const size_t groups = (blocks + kOutBlocks - 1) / kOutBlocks;
      for (size_t group = 0; group < groups; ++group) {
        const size_t block = blocks * group / groups;
        const size_t together = blocks * (group + 1) / groups - block;
        if (together == 3) multiply<3>(block, count);
        if (together == 2) multiply<2>(block, count);
        if (together == 1) multiply<1>(block, count);
        for (size_t b = 0; b < together; ++b)
          for (size_t t = 0; t < count; ++t) invert(first + t, t, block + b, b);
      }
    }
  }

 private:
  // Tile t of the share, which is tile `tile` of the image, to transformed_[part][t][channel].
  void transform(size_t tile, size_t t) {
    const size_t top = grid_.top(tile);
    const size_t left = grid_.left(tile);
    const X* places[kParts];
    bool whole = true;
    for (size_t i = 0; i < kRows; ++i) {
      const size_t y = top + i * c_.dilation - c_.pad_top;  // huge above the map
      for (size_t j = 0; j < kColumns; ++j) {
        const size_t x = left + j * c_.dilation - c_.pad_left;
        const bool inside = y < c_.height && x < c_.width;
        places[i * kColumns + j] = inside ? x_ + (y * c_.width + x) * c_.in_channels : nullptr;
        whole = whole && inside;
      }
    }
    Bf16* const to = transformed_ + t * c_.in_channels;
    if (whole)
      transform_channels<true>(places, to);
    else
      transform_channels<false>(places, to);
  }

  template <bool kWhole>
  void transform_channels(const X* const* places, Bf16* to) {
    const size_t stride = transformed_stride(c_);
    for (size_t channel = 0; channel < c_.in_channels; channel += kLanes) {
      __m512 columns[kRows][kColumns];
#pragma GCC unroll 6
      for (size_t j = 0; j < kColumns; ++j) {
        __m512 d[kRows];
#pragma GCC unroll 4
        for (size_t i = 0; i < kRows; ++i) {
          const X* const place = places[i * kColumns + j];
          d[i] = kWhole || place != nullptr ? load(place + channel) : _mm512_setzero_ps();
        }
        columns[0][j] = _mm512_sub_ps(d[2], d[0]);
        columns[1][j] = _mm512_add_ps(d[1], d[2]);
        columns[2][j] = _mm512_sub_ps(d[2], d[1]);
        columns[3][j] = _mm512_sub_ps(d[3], d[1]);
      }
#pragma GCC unroll 4
      for (size_t i = 0; i < kRows; ++i) {
        __m512 v[kColumns];
        transform_row(columns[i], v);
#pragma GCC unroll 6
        for (size_t j = 0; j < kColumns; ++j)
          store(to + (i * kColumns + j) * stride + channel, v[j]);
      }
    }
  }

  // products_[part][block][t]
  template <size_t kBlocks>
  void multiply(size_t block, size_t count) {
    const size_t in = c_.in_channels;
    const bool large = kParts * c_.out_channels * in * sizeof(Bf16) > kNearBytes;
    for (size_t part = 0; part < kParts; ++part) {
      const Bf16* const weights = c_.weights + (part * c_.out_channels + block * kLanes) * in;
      // Of the next part, or of the next blocks.
      const Bf16* const next = part + 1 < kParts ? weights + c_.out_channels * in
                                                 : c_.weights + (block + kBlocks) * kLanes * in;
      const Bf16* const x = transformed_ + part * transformed_stride(c_);
      float* const y = products_ + part * product_stride(c_);
      for_tiles<kTile>(count, [&]<size_t kPositions>(size_t at) CAIRN_AVX512_BF16 {
        const Bf16* const ahead =
            at / kTile < kBlocks && large ? next + at / kTile * kLanes * in : nullptr;
        multiply_pairs<kPositions, kBlocks>(x + at * in, in, weights, kZeros, y + at * kLanes,
                                            at_once_ * kLanes, ahead);
      });
    }
  }

  CAIRN_APART void invert(size_t tile, size_t t, size_t block, size_t b) {
    const size_t stride = product_stride(c_);
    const float* const from = products_ + (b * at_once_ + t) * kLanes;
    const __m512 bias =
        c_.bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(c_.bias + block * kLanes);
    __m512 columns[kTileRows][kColumns];
#pragma GCC unroll 6
    for (size_t j = 0; j < kColumns; ++j) {
      const __m512 m1 = _mm512_loadu_ps(from + (kColumns + j) * stride);
      const __m512 m2 = _mm512_loadu_ps(from + (2 * kColumns + j) * stride);
      columns[0][j] = _mm512_add_ps(_mm512_loadu_ps(from + j * stride), _mm512_add_ps(m1, m2));
      columns[1][j] =
          _mm512_add_ps(_mm512_loadu_ps(from + (3 * kColumns + j) * stride), _mm512_sub_ps(m1, m2));
    }
    const __m512 low = _mm512_set1_ps(c_.low);
    const __m512 high = _mm512_set1_ps(c_.high);
    const size_t top = grid_.top(tile);
    const size_t left = grid_.left(tile);
#pragma GCC unroll 2
    for (size_t i = 0; i < kTileRows; ++i) {
      __m512 y[kTileColumns];
      invert_row(columns[i], y);
      const size_t row = top + i * c_.dilation;
      if (row >= c_.out_height) break;
#pragma GCC unroll 4
      for (size_t j = 0; j < kTileColumns; ++j) {
        const size_t column = left + j * c_.dilation;
        if (column >= c_.out_width) break;
        const size_t at = (row * c_.out_width + column) * c_.out_channels + block * kLanes;
        __m512 v = _mm512_add_ps(y[j], bias);
        if (residual_ != nullptr) v = _mm512_add_ps(v, load(residual_ + at));
        store(y_ + at, _mm512_min_ps(_mm512_max_ps(v, low), high));
      }
    }
  }

  const Winograd& c_;
  const X* x_;
  const Bf16* residual_;
  Y* y_;
  Grid grid_;
  size_t at_once_;
  float* products_;    // part × block × tile × 16
  Bf16* transformed_;  // part × tile × channel
};

}  // namespace

void winograd(const Winograd& convolution, const Bf16* x, const Bf16* residual, Bf16* y,
              void* scratch) {
  WinogradPass(convolution, x, residual, y, scratch).run();
}

void winograd(const Winograd& convolution, const uint8_t* x, const Bf16* residual, Bf16* y,
              void* scratch) {
  WinogradPass(convolution, x, residual, y, scratch).run();
}

void winograd(const Winograd& convolution, const uint8_t* x, uint8_t* y, void* scratch) {
  WinogradPass(convolution, x, nullptr, y, scratch).run();
}

}  // namespace cairn::engine::kernels
CAIRN_END_AVX512_BF16

#else

namespace cairn::engine::kernels {

void winograd(const Winograd&, const Bf16*, const Bf16*, Bf16*, void*) {}
void winograd(const Winograd&, const uint8_t*, const Bf16*, Bf16*, void*) {}
void winograd(const Winograd&, const uint8_t*, uint8_t*, void*) {}

}  // namespace cairn::engine::kernels

#endif
