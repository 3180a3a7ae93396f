#include "cairn/engine/kernels/grouped.h"

#include <algorithm>
#include <array>

#include "cairn/engine/kernels/avx512_bf16-inl.h"

namespace cairn::engine::kernels {
namespace {

constexpr size_t kBlock = 16;     // results side by side
constexpr size_t kWordBytes = 4;  // what an instruction multiplies and adds for each of them
constexpr size_t kTaps = 3;       // on each axis
[[maybe_unused]] constexpr size_t kMostAtOnce = 16;  // positions

// Input channels that go into a word, and words of a block's group, or of a part of 16 channels.
template <typename Number>
constexpr size_t kWord = kWordBytes / sizeof(Number);

template <typename Number>
size_t words_of(size_t group) {
  return std::min(group, kBlock) / kWord<Number>;
}
size_t parts_of(size_t group) { return std::max(group, kBlock) / kBlock; }

// To [block][part][row][word][column][result][channel of the word].
template <typename Packed, typename Number, typename Convert>
std::vector<Packed> pack(const Number* weights, size_t channels, size_t group, Convert convert) {
  const size_t words = words_of<Packed>(group);
  std::vector<Packed> packed;
  packed.reserve(channels * group * kTaps * kTaps);
  for (size_t block = 0; block < channels; block += kBlock)
    for (size_t part = 0; part < parts_of(group); ++part)
      for (size_t y = 0; y < kTaps; ++y)
        for (size_t word = 0; word < words; ++word)
          for (size_t x = 0; x < kTaps; ++x)
            for (size_t result = block; result < block + kBlock; ++result)
              for (size_t k = 0; k < kWord<Packed>; ++k) {
                const size_t channel = (part * words + word) * kWord<Packed> + k;
                packed.push_back(
                    convert(weights[((result * group + channel) * kTaps + y) * kTaps + x]));
              }
  return packed;
}

}  // namespace

size_t Grouped::scratch_bytes() const { return channels * sizeof(Bf16); }

bool takes_group(size_t channels, size_t group) {
  return channels % kBlock == 0 && (group == 4 || group == 8 || (group > 0 && group % kBlock == 0));
}

std::vector<Bf16> pack_grouped(const float* weights, size_t channels, size_t group) {
  return pack<Bf16>(weights, channels, group, to_bf16);
}

std::vector<int8_t> pack_grouped(const int8_t* weights, size_t channels, size_t group) {
  return pack<int8_t>(weights, channels, group, [](int8_t weight) { return weight; });
}

}  // namespace cairn::engine::kernels

#ifdef CAIRN_HAS_AVX512_BF16

CAIRN_BEGIN_AVX512_BF16
namespace cairn::engine::kernels {
namespace {

// A block's 16 numbers; what lies beyond them is undefined.
inline __m512i load_block(const Bf16* x) {
  return _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
}
inline __m512i load_block(const uint8_t* x) {
  return _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
}

// Sums of products with numbers of that type.
inline __m512 no_sum(Bf16 /*number*/) { return _mm512_setzero_ps(); }
inline __m512i no_sum(uint8_t /*number*/) { return _mm512_setzero_si512(); }

inline __m512 to_floats(__m512 sums) { return sums; }
inline __m512 to_floats(__m512i sums) { return _mm512_cvtepi32_ps(sums); }

constexpr size_t inputs_of(size_t positions, size_t stride) {
  return (positions - 1) * stride + kTaps;
}

template <typename X>
using Places = std::array<std::array<const X*, inputs_of(kMostAtOnce, 2)>, kTaps>;

// One block of one tile, which is some positions of a row.
template <typename X, typename Y>
struct Tile {
  const Places<X>* places = nullptr;  // what the taps read
  size_t first = 0;                   // channel of what the block reads
  size_t parts = 0;
  size_t words = 0;
  const int32_t* spread = nullptr;  // words × results: which of the block's words each one reads
  const char* weights = nullptr;
  const float* scale = nullptr;
  const float* bias = nullptr;
  float low = 0;
  float high = 0;
  Y* y = nullptr;
  size_t channels = 0;
  size_t count = 0;  // of positions that are written
};

// kSpread: the block's groups are several. Otherwise all results read the same words.
template <typename X, typename Y, size_t kStride, bool kSpread, size_t kPositions>
CAIRN_APART void compute(const Tile<X, Y>& tile) {
  constexpr size_t kInputs = inputs_of(kPositions, kStride);
  decltype(no_sum(X{})) sums[kPositions];
#pragma GCC unroll 16
  for (size_t p = 0; p < kPositions; ++p) sums[p] = no_sum(X{});
  const char* weights = tile.weights;
  for (size_t part = 0; part < tile.parts; ++part) {
    for (const auto& row : *tile.places) {
      size_t channel = tile.first + part * kBlock;
      for (size_t word = 0; word < tile.words; ++word, weights += kTaps * 64) {
        __m512i w[kTaps];
#pragma GCC unroll 3
        for (size_t k = 0; k < kTaps; ++k) w[k] = _mm512_loadu_si512(weights + k * 64);
        const __m512i spread =
            kSpread ? _mm512_loadu_si512(tile.spread + word * kBlock) : _mm512_setzero_si512();
#pragma GCC unroll 40
        for (size_t i = 0; i < kInputs; ++i) {
          const X* const x = row[i] + channel;
          const __m512i value =
              kSpread ? _mm512_permutexvar_epi32(spread, load_block(x)) : word_of(x);
#pragma GCC unroll 16
          for (size_t p = 0; p < kPositions; ++p)
            if (i >= p * kStride && i - p * kStride < kTaps)
              add_products(sums[p], value, w[i - p * kStride]);
        }
        if (!kSpread) channel += kWord<X>;
      }
    }
  }
  const __m512 low = _mm512_set1_ps(tile.low);
  const __m512 high = _mm512_set1_ps(tile.high);
  const __m512 bias = tile.bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(tile.bias);
  const __m512 scale = tile.scale == nullptr ? _mm512_set1_ps(1) : _mm512_loadu_ps(tile.scale);
#pragma GCC unroll 16
  for (size_t p = 0; p < kPositions; ++p) {
    if (p >= tile.count) break;
    const __m512 v = _mm512_fmadd_ps(to_floats(sums[p]), scale, bias);
    store(tile.y + p * tile.channels, _mm512_min_ps(_mm512_max_ps(v, low), high));
  }
}

template <typename X, typename Y>
class GroupedPass {
 public:
  GroupedPass(const Grouped& convolution, const X* x, Y* y, void* scratch)
      : c_(convolution), x_(x), y_(y), around_(static_cast<X*>(scratch)) {
    X around{};
    if constexpr (sizeof(X) == 1) around = c_.zero;
    std::fill_n(around_, c_.channels, around);
    for (size_t word = 0; word < kBlock; ++word)
      for (size_t result = 0; result < kBlock; ++result)
        spread_[word * kBlock + result] = static_cast<int32_t>(
            (c_.group < kBlock ? result / c_.group * (c_.group / kWord<X>) : 0) + word);
  }

  void run() {
    for (size_t y = 0; y < c_.out_height; ++y) {
      for (size_t at = 0; at < c_.out_width; at += kMostAtOnce) {
        const size_t count = std::min(c_.out_width - at, kMostAtOnce);
        find_places(y, at);
        if (c_.stride == 1)
          compute_blocks<1>(y, at, count);
        else
          compute_blocks<2>(y, at, count);
      }
    }
  }

 private:
  void find_places(size_t y, size_t at) {
    for (size_t k = 0; k < kTaps; ++k) {
      const size_t row = y * c_.stride + k - c_.pad_top;  // huge above the map
      for (size_t i = 0; i < inputs_of(kMostAtOnce, c_.stride); ++i) {
        const size_t column = at * c_.stride + i - c_.pad_left;
        const bool inside = row < c_.height && column < c_.width;
        places_[k][i] = inside ? x_ + (row * c_.width + column) * c_.channels : around_;
      }
    }
  }

  template <size_t kStride>
  void compute_blocks(size_t y, size_t at, size_t count) {
    Tile<X, Y> tile;
    tile.places = &places_;
    tile.parts = parts_of(c_.group);
    tile.words = words_of<X>(c_.group);
    tile.spread = spread_.data();
    tile.weights = static_cast<const char*>(c_.weights);
    tile.scale = c_.scale;
    tile.bias = c_.bias;
    tile.low = c_.low;
    tile.high = c_.high;
    tile.y = y_ + (y * c_.out_width + at) * c_.channels;
    tile.channels = c_.channels;
    tile.count = count;
    for (size_t block = 0; block < c_.channels; block += kBlock) {
      tile.first = c_.group < kBlock ? block : block / c_.group * c_.group;
      compute_tile<kStride>(tile);
      tile.weights += kBlock * c_.group * kTaps * kTaps * sizeof(X);
      if (tile.scale != nullptr) tile.scale += kBlock;
      if (tile.bias != nullptr) tile.bias += kBlock;
      tile.y += kBlock;
    }
  }

  template <size_t kStride>
  void compute_tile(const Tile<X, Y>& tile) const {
    const bool few = tile.count <= kMostAtOnce / 2;
    if (c_.group < kBlock)
      few ? compute<X, Y, kStride, true, kMostAtOnce / 2>(tile)
          : compute<X, Y, kStride, true, kMostAtOnce>(tile);
    else
      few ? compute<X, Y, kStride, false, kMostAtOnce / 2>(tile)
          : compute<X, Y, kStride, false, kMostAtOnce>(tile);
  }

  const Grouped& c_;
  const X* x_;
  Y* y_;
  X* around_;  // the channels of a position that is none of the map's
  Places<X> places_{};
  std::array<int32_t, kBlock * kBlock> spread_{};
};

}  // namespace

void grouped(const Grouped& convolution, const Bf16* x, Bf16* y, void* scratch) {
  GroupedPass(convolution, x, y, scratch).run();
}

void grouped(const Grouped& convolution, const uint8_t* x, Bf16* y, void* scratch) {
  GroupedPass(convolution, x, y, scratch).run();
}

void grouped(const Grouped& convolution, const uint8_t* x, uint8_t* y, void* scratch) {
  GroupedPass(convolution, x, y, scratch).run();
}

}  // namespace cairn::engine::kernels
CAIRN_END_AVX512_BF16

#else

namespace cairn::engine::kernels {

void grouped(const Grouped&, const Bf16*, Bf16*, void*) {}
void grouped(const Grouped&, const uint8_t*, Bf16*, void*) {}
void grouped(const Grouped&, const uint8_t*, uint8_t*, void*) {}

}  // namespace cairn::engine::kernels

#endif
