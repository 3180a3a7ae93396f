#include "cairn/engine/kernels/expand_depthwise.h"

#include <algorithm>
#include <cstring>

#include "cairn/base/amx.h"
#include "cairn/engine/kernels/avx512_bf16-inl.h"
#include "cairn/engine/kernels/tiles.h"

namespace cairn::engine::kernels {
namespace {

constexpr size_t kGroup = 3;  // blocks of channels that go together
// Shorter positions of 8 bits are multiplied in vectors: what a tile's sums cost on their way
// through memory is more than it saves.
[[maybe_unused]] constexpr size_t kMinTileBytes = 48;

size_t blocks_of(size_t channels) { return (channels + kLanes - 1) / kLanes; }

// How the scratch memory is divided.
struct Room {
  explicit Room(const ExpandDepthwise& step)
      : slots(step.depthwise.height),
        row((std::max(step.width + step.depthwise.pad_left,
                      (step.out_width - 1) * step.depthwise.stride_x + step.depthwise.width)) *
            kLanes),
        ring(slots * kGroup * row),
        out(step.out_width * kLanes),
        photo_row(std::max(step.in_width + step.expansion.pad_left,
                           (step.width - 1) * step.expansion.stride_x + step.expansion.width) +
                  4) {}
  size_t slots;  // wide rows that are kept
  size_t row;    // floats of one of them of one block, with its padding
  size_t ring;
  size_t out;
  size_t photo_row;  // positions that a window reads, with its padding
};

// Whether each position of the wide map is made of whole fours of bytes of one of the map.
bool reads_in_place(size_t channels, const Window2d& window) {
  return channels % 4 == 0 && window.height == 1 && window.width == 1 && window.stride_y == 1 &&
         window.stride_x == 1 && window.pad_top == 0 && window.pad_left == 0;
}

size_t quads_of(size_t in_channels, const Window2d& window) {
  return (in_channels * window.width + 3) / 4;
}

}  // namespace

size_t ExpandDepthwise::scratch_floats() const {
  const Room room(*this);
  const bool gathers = source == Source::kPhoto ||
                       (source == Source::kBytes && !reads_in_place(in_channels, expansion));
  return room.ring + room.out + (gathers ? room.photo_row * in_channels * expansion.height : 0);
}

std::vector<Bf16> pack_pairs(const float* weights, size_t channels, size_t in_channels) {
  std::vector<Bf16> packed(blocks_of(channels) * kLanes * in_channels);
  for (size_t c = 0; c < channels; ++c)
    for (size_t k = 0; k < in_channels; ++k)
      packed[(c / kLanes * (in_channels / 2) + k / 2) * 2 * kLanes + c % kLanes * 2 + k % 2] =
          to_bf16(weights[c * in_channels + k]);
  return packed;
}

std::vector<int8_t> pack_quads(const int8_t* weights, size_t channels, size_t in_channels,
                               const Window2d& window) {
  const size_t quads = quads_of(in_channels, window);
  std::vector<int8_t> packed(blocks_of(channels) * window.height * quads * 4 * kLanes);
  for (size_t c = 0; c < channels; ++c)
    for (size_t k = 0; k < in_channels; ++k)
      for (size_t ky = 0; ky < window.height; ++ky)
        for (size_t kx = 0; kx < window.width; ++kx, ++weights) {
          const size_t at = kx * in_channels + k;
          const size_t row = c / kLanes * window.height + ky;
          packed[((row * quads + at / 4) * kLanes + c % kLanes) * 4 + at % 4] = *weights;
        }
  return packed;
}

std::vector<float> pack_blocks(const float* weights, size_t channels, size_t taps) {
  std::vector<float> packed(blocks_of(channels) * kLanes * taps);
  for (size_t c = 0; c < channels; ++c)
    for (size_t k = 0; k < taps; ++k)
      packed[(c / kLanes * taps + k) * kLanes + c % kLanes] = weights[c * taps + k];
  return packed;
}

std::vector<float> pack_bias(const float* bias, size_t channels) {
  std::vector<float> packed(blocks_of(channels) * kLanes);
  if (bias != nullptr) std::copy_n(bias, channels, packed.begin());
  return packed;
}

}  // namespace cairn::engine::kernels

#ifdef CAIRN_HAS_AVX512_BF16

CAIRN_BEGIN_AVX512_BF16
namespace cairn::engine::kernels {
namespace {

// One image.
class Pass {
 public:
  Pass(const ExpandDepthwise& step, const void* x, void* y, float* sums, float* scratch)
      : step_(step),
        room_(step),
        x_(x),
        y_(y),
        sums_(sums),
        ring_(scratch),
        out_(ring_ + room_.ring),
        photo_(out_ + room_.out) {
    const bool bytes = step.source == ExpandDepthwise::Source::kBytes;
    if (step.tiles && (step.source == ExpandDepthwise::Source::kMap ||
                       (bytes && step.in_channels >= kMinTileBytes &&
                        reads_in_place(step.in_channels, step.expansion))))
      tiles_.emplace(step.width, step.in_channels * (bytes ? 1 : sizeof(Bf16)), bytes);
  }

  void run() {
    std::optional<TileScope> scope;
    if (tiles_) scope.emplace(tiles_->shapes());
    std::memset(ring_, 0, room_.ring * sizeof(float));
    if (sums_ != nullptr) std::fill_n(sums_, step_.channels, 0.F);
    if (step_.source == ExpandDepthwise::Source::kPhoto) find_taps();
    const size_t blocks = blocks_of(step_.channels);
    for (size_t block = 0; block < blocks; block += kGroup) {
      const size_t count = std::min(kGroup, blocks - block);
      if (count == 3) run_group<3>(block);
      if (count == 2) run_group<2>(block);
      if (count == 1) run_group<1>(block);
    }
  }

 private:
  template <size_t kBlocks>
  void run_group(size_t block) {
    const Window2d& window = step_.depthwise;
    size_t made = 0;  // rows of the wide map
    for (size_t row = 0; row < step_.out_height; ++row) {
      const size_t from = row * window.stride_y;  // with the padding
      const size_t first = from > window.pad_top ? from - window.pad_top : 0;
      const size_t last = std::min(
          from + window.height > window.pad_top ? from + window.height - window.pad_top : 0,
          step_.height);
      made = std::max(made, std::min(first, last));
      for (; made < last; ++made) make_row<kBlocks>(block, made);
      const size_t skipped = first + window.pad_top - from;  // rows of the window above the map
      for (size_t b = 0; b < kBlocks; ++b)
        convolve(block, b, row, first, last > first ? last - first : 0, skipped);
    }
  }

  float* wide_row(size_t row, size_t b) {
    return ring_ + (row % room_.slots * kGroup + b) * room_.row;
  }

  template <size_t kBlocks>
  void make_row(size_t block, size_t row) {
    float* const to = wide_row(row, 0) + step_.depthwise.pad_left * kLanes;
    if (step_.source == ExpandDepthwise::Source::kWide) {
      for (size_t b = 0; b < kBlocks; ++b) widen(block + b, row, to + b * room_.row);
      return;
    }
    switch (step_.first.kind) {
      case Activation::Kind::kSilu:
        return expand<kBlocks>(Silu(step_.first), block, row, to);
      case Activation::Kind::kClip:
        return expand<kBlocks>(Clip(step_.first), block, row, to);
      case Activation::Kind::kNone:
        return expand<kBlocks>(Nothing(step_.first), block, row, to);
    }
  }

  template <size_t kBlocks, typename Function>
  void expand(const Function& function, size_t block, size_t row, float* to) {
    const float* const bias = step_.expand_bias + block * kLanes;
    const size_t y_block = room_.row;
    if (tiles_) return expand_in_tiles<kBlocks>(function, block, row, to);
    if (step_.source == ExpandDepthwise::Source::kMap) {
      const size_t channels = step_.in_channels;
      const Bf16* const x = static_cast<const Bf16*>(x_) + row * step_.width * channels;
      const Bf16* const weights = step_.expand_weights + block * kLanes * channels;
      for_tiles<kTile>(step_.width, [&]<size_t kPositions>(size_t at) CAIRN_AVX512_BF16 {
        multiply_pairs<kPositions, kBlocks>(x + at * channels, channels, weights, bias,
                                            to + at * kLanes, y_block, nullptr, function);
      });
    } else if (step_.source == ExpandDepthwise::Source::kPhoto) {
      gather_photo(row);
      const float* const weights = step_.expand_weights_f32 + block * kLanes * taps_.size();
      const size_t stride = step_.expansion.stride_x;
      for_tiles<kTile>(step_.width, [&]<size_t kPositions>(size_t at) CAIRN_AVX512_BF16 {
        multiply_taps<kPositions, kBlocks>(photo_ + at * stride, stride, taps_.data(), taps_.size(),
                                           weights, bias, to + at * kLanes, y_block, function);
      });
    } else {
      Runs runs = byte_runs(row);
      const uint8_t* const x = runs.x;
      const int8_t* const weights =
          step_.expand_weights_s8 + block * kLanes * 4 * runs.rows * runs.quads;
      const float* const units = step_.expand_units + block * kLanes;
      for_tiles<kTile>(step_.width, [&]<size_t kPositions>(size_t at) CAIRN_AVX512_BF16 {
        runs.x = x + at * runs.stride;
        multiply_quads<kPositions, kBlocks>(runs, weights, units, bias, to + at * kLanes, y_block,
                                            function);
      });
    }
  }

  template <size_t kBlocks, typename Function>
  void expand_in_tiles(const Function& function, size_t block, size_t row, float* to) {
    const size_t from = row * step_.width * step_.in_channels;
    const size_t weights = block * kLanes * step_.in_channels;
    const bool bytes = step_.source == ExpandDepthwise::Source::kBytes;
    for (size_t tile = 0; tile < tiles_->count(); ++tile) {
      float* const y = to + tiles_->first(tile) * kLanes;
      if (bytes)
        tiles_->multiply(static_cast<const uint8_t*>(x_) + from, tile,
                         step_.expand_weights_s8 + weights, kBlocks, y, room_.row);
      else
        tiles_->multiply(static_cast<const Bf16*>(x_) + from, tile, step_.expand_weights + weights,
                         kBlocks, y, room_.row);
      for (size_t b = 0; b < kBlocks; ++b) finish_sums(function, block + b, y + b * room_.row);
    }
  }

  // One tile's sums become the wide map, where they are.
  template <typename Function>
  void finish_sums(const Function& function, size_t block, float* y) const {
    const __m512 bias = _mm512_loadu_ps(step_.expand_bias + block * kLanes);
    const float* const end = y + tiles_->positions() * kLanes;
    if (step_.source == ExpandDepthwise::Source::kBytes) {
      const __m512 unit = _mm512_loadu_ps(step_.expand_units + block * kLanes);
      for (; y != end; y += kLanes) {
        const __m512 sum = _mm512_cvtepi32_ps(_mm512_loadu_si512(y));
        _mm512_storeu_ps(y, function(_mm512_fmadd_ps(sum, unit, bias)));
      }
    } else {
      for (; y != end; y += kLanes)
        _mm512_storeu_ps(y, function(_mm512_add_ps(_mm512_loadu_ps(y), bias)));
    }
  }

  // A row of the wide map, as float32.
  void widen(size_t block, size_t row, float* to) {
    const Bf16* from =
        static_cast<const Bf16*>(x_) + row * step_.width * step_.channels + block * kLanes;
    const __mmask16 mask = mask_of(block);
    for (size_t i = 0; i < step_.width; ++i, from += step_.channels, to += kLanes) {
      const __m256i half = _mm256_maskz_loadu_epi16(mask, from);
      _mm512_storeu_si512(to, _mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
    }
  }

  __mmask16 mask_of(size_t block) const {
    const size_t left = step_.channels - block * kLanes;
    return static_cast<__mmask16>(left >= kLanes ? 0xFFFF : (1U << left) - 1);
  }

  void find_taps() {
    taps_.clear();
    for (size_t c = 0; c < step_.in_channels; ++c)
      for (size_t ky = 0; ky < step_.expansion.height; ++ky)
        for (size_t kx = 0; kx < step_.expansion.width; ++kx)
          taps_.push_back((c * step_.expansion.height + ky) * room_.photo_row + kx);
  }

  // The rows of the photo that one row of the wide map needs, with their padding.
  void gather_photo(size_t row) {
    const Window2d& window = step_.expansion;
    float* to = photo_;
    for (size_t c = 0; c < step_.in_channels; ++c) {
      for (size_t ky = 0; ky < window.height; ++ky, to += room_.photo_row) {
        const size_t at = row * window.stride_y + ky;
        std::fill_n(to, room_.photo_row, 0.F);
        if (at < window.pad_top || at - window.pad_top >= step_.in_height) continue;
        std::copy_n(static_cast<const float*>(x_) +
                        (c * step_.in_height + at - window.pad_top) * step_.in_width,
                    step_.in_width, to + window.pad_left);
      }
    }
  }

  // What a row of the wide map is made of: the map itself, or its rows with their padding.
  Runs byte_runs(size_t row) {
    const Window2d& window = step_.expansion;
    const size_t channels = step_.in_channels;
    Runs runs{.rows = window.height, .quads = quads_of(channels, window)};
    const auto* const x = static_cast<const uint8_t*>(x_);
    const size_t bytes = step_.in_width * channels;
    runs.stride = window.stride_x * channels;
    if (reads_in_place(channels, window)) {
      runs.x = x + row * bytes;
      return runs;
    }
    auto* const to = reinterpret_cast<uint8_t*>(photo_);
    runs.x = to;
    runs.row_stride = room_.photo_row * channels;
    std::memset(to, step_.in_zero, runs.row_stride * window.height);
    for (size_t ky = 0; ky < window.height; ++ky) {
      const size_t at = row * window.stride_y + ky;
      if (at < window.pad_top || at - window.pad_top >= step_.in_height) continue;
      std::copy_n(x + (at - window.pad_top) * bytes, bytes,
                  to + ky * runs.row_stride + window.pad_left * channels);
    }
    return runs;
  }

  void convolve(size_t block, size_t b, size_t row, size_t first, size_t height, size_t skipped) {
    const Window2d& window = step_.depthwise;
    const float* rows[kMaxDepthwiseHeight];
    for (size_t i = 0; i < height; ++i) rows[i] = wide_row(first + i, b);
    const size_t taps = window.height * window.width;
    const float* const weights =
        step_.depthwise_weights + ((block + b) * taps + skipped * window.width) * kLanes;
    const float* const bias = step_.depthwise_bias + (block + b) * kLanes;
    const size_t count = step_.out_width;
    const auto row_of = [&]() CAIRN_AVX512_BF16 {
      if (window.width == 3 && window.stride_x == 1) return convolve_row<3, 1>;
      if (window.width == 3 && window.stride_x == 2) return convolve_row<3, 2>;
      if (window.width == 5 && window.stride_x == 1) return convolve_row<5, 1>;
      if (window.width == 5 && window.stride_x == 2) return convolve_row<5, 2>;
      return static_cast<decltype(&convolve_row<3, 1>)>(nullptr);
    };
    if (const auto function = row_of())
      function(rows, height, weights, bias, out_, count);
    else
      convolve_any_row(rows, window, height, weights, bias, out_, count);
    finish(block + b, row);
  }

  void finish(size_t block, size_t row) {
    switch (step_.second.kind) {
      case Activation::Kind::kSilu:
        return finish_with(Silu(step_.second), block, row);
      case Activation::Kind::kClip:
        return finish_with(Clip(step_.second), block, row);
      case Activation::Kind::kNone:
        return finish_with(Nothing(step_.second), block, row);
    }
  }

  template <typename Function>
  void finish_with(const Function& function, size_t block, size_t row) {
    const __mmask16 mask = mask_of(block);
    if (!step_.out_grid)
      return finish_as<Bf16>(function, block, row, [=](Bf16* y, __m512 v) CAIRN_AVX512_BF16 {
        _mm256_mask_storeu_epi16(y, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
      });
    const __m512 scale = _mm512_set1_ps(1 / step_.out_grid->scale);
    const __m512i zero = _mm512_set1_epi32(step_.out_grid->zero);
    const __m512 most = _mm512_set1_ps(512);  // more is no int32
    finish_as<uint8_t>(function, block, row, [=](uint8_t* y, __m512 v) CAIRN_AVX512_BF16 {
      const __m512i steps = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_mul_ps(v, scale), most));
      const __m512i bits = _mm512_max_epi32(_mm512_add_epi32(steps, zero), _mm512_setzero_si512());
      _mm512_mask_cvtusepi32_storeu_epi8(y, mask, bits);
    });
  }

  // The activation, the sums and the rounding.
  template <typename Out, typename Function, typename Store>
  void finish_as(const Function& function, size_t block, size_t row, const Store& store) {
    const __mmask16 mask = mask_of(block);
    Out* y = static_cast<Out*>(y_) + row * step_.out_width * step_.channels + block * kLanes;
    const float* from = out_;
    __m512 sum = _mm512_setzero_ps();
    for (size_t i = 0; i < step_.out_width; ++i, from += kLanes, y += step_.channels) {
      const __m512 v = function(_mm512_loadu_ps(from));
      sum = _mm512_add_ps(sum, v);
      store(y, v);
    }
    if (sums_ == nullptr) return;
    float* const sums = sums_ + block * kLanes;
    _mm512_mask_storeu_ps(sums, mask, _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, sums)));
  }

  const ExpandDepthwise& step_;
  Room room_;
  const void* x_;
  void* y_;
  float* sums_;
  float* ring_;
  float* out_;
  float* photo_;
  std::vector<size_t> taps_;
  std::optional<TileProduct> tiles_;
};

}  // namespace

void expand_depthwise(const ExpandDepthwise& step, const void* x, void* y, float* sums,
                      float* scratch) {
  Pass(step, x, y, sums, scratch).run();
}

}  // namespace cairn::engine::kernels
CAIRN_END_AVX512_BF16

#else

namespace cairn::engine::kernels {

void expand_depthwise(const ExpandDepthwise&, const void*, void*, float*, float*) {}

}  // namespace cairn::engine::kernels

#endif
