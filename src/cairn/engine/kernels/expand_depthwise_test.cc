// The fused kernel against plain loops.
#include "cairn/engine/kernels/expand_depthwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cairn/base/amx.h"
#include "cairn/base/random.h"
#include "cairn/engine/kernels/avx512_bf16.h"

namespace cairn::engine::kernels {
namespace {

using Source = ExpandDepthwise::Source;
using Kind = Activation::Kind;

double activated(const Activation& activation, double x) {
  if (activation.kind == Kind::kSilu) return x / (1 + std::exp(-x));
  if (activation.kind == Kind::kClip)
    return std::clamp(x, double{activation.low}, double{activation.high});
  return x;
}

// One problem with drawn numbers, by plain loops and by the kernel.
class Case {
 public:
  Case(const ExpandDepthwise& step, uint64_t seed) : step_(step), random_(seed) {
    const size_t expand_taps = step_.in_channels * step_.expansion.height * step_.expansion.width;
    x_ = draw(step_.in_height * step_.in_width * step_.in_channels);
    expand_ = draw(step_.channels * expand_taps);
    depthwise_ = draw(step_.channels * step_.depthwise.height * step_.depthwise.width);
    expand_bias_ = draw(step_.channels);
    depthwise_bias_ = draw(step_.channels);
    if (step_.source == Source::kBytes) {
      draw_bytes();
    } else if (step_.source != Source::kPhoto) {  // what the kernel sees
      for (std::vector<float>* numbers : {&x_, &expand_})
        for (float& number : *numbers) number = to_float(to_bf16(number));
    }
  }

  // In vectors, and where there is one in the matrix unit.
  void check() {
    const std::vector<double> wanted = expected();
    for (const bool tiles : {false, true}) {
      SCOPED_TRACE(tiles ? "in tiles" : "in vectors");
      step_.tiles = tiles;
      if (!tiles || has_amx()) check(wanted);
    }
  }

 private:
  void check(const std::vector<double>& wanted) {
    std::vector<Bf16> half(x_.size());
    std::transform(x_.begin(), x_.end(), half.begin(), to_bf16);
    const auto pairs = pack_pairs(expand_.data(), step_.channels, step_.in_channels);
    const auto blocks =
        pack_blocks(expand_.data(), step_.channels, expand_.size() / step_.channels);
    const auto depthwise =
        pack_blocks(depthwise_.data(), step_.channels, depthwise_.size() / step_.channels);
    const auto expand_bias = pack_bias(expand_bias_.data(), step_.channels);
    const auto depthwise_bias = pack_bias(depthwise_bias_.data(), step_.channels);
    step_.expand_weights = pairs.data();
    step_.expand_weights_f32 = blocks.data();
    step_.expand_bias = expand_bias.data();
    step_.depthwise_weights = depthwise.data();
    step_.depthwise_bias = depthwise_bias.data();
    const auto quads = pack_quads(weights_s8_.data(), weights_s8_.empty() ? 0 : step_.channels,
                                  step_.in_channels, step_.expansion);
    const auto units = pack_bias(units_.data(), units_.empty() ? 0 : step_.channels);
    const auto shifts = pack_bias(shifts_.data(), shifts_.empty() ? 0 : step_.channels);
    step_.expand_weights_s8 = quads.data();
    step_.expand_units = units.data();
    if (step_.source == Source::kBytes) step_.expand_bias = shifts.data();
    const void* const x = step_.source == Source::kPhoto   ? static_cast<const void*>(x_.data())
                          : step_.source == Source::kBytes ? bytes_.data()
                                                           : static_cast<const void*>(half.data());
    const size_t size = step_.out_grid ? 1 : sizeof(Bf16);
    std::vector<char> y(wanted.size() * size + 1, kUntouched);
    std::vector<float> sums(step_.channels + 1, -7.F);
    std::vector<float> scratch(step_.scratch_floats(), std::numeric_limits<float>::quiet_NaN());
    expand_depthwise(step_, x, y.data(), sums.data(), scratch.data());
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (step_.out_grid) {
        const double steps = std::clamp(
            wanted[i] / double{step_.out_grid->scale} + step_.out_grid->zero, 0.0, 255.0);
        // 1 in 500 of the number is what the approximate SiLU may add to the rounding.
        ASSERT_NEAR(static_cast<uint8_t>(y[i]), steps, 0.51 + 0.002 * steps) << i;
      } else {
        Bf16 number;
        std::memcpy(&number, y.data() + i * size, size);
        ASSERT_NEAR(to_float(number), wanted[i], 0.005 * std::abs(wanted[i]) + 0.002) << i;
      }
    }
    EXPECT_EQ(y.back(), kUntouched);
    EXPECT_EQ(sums.back(), -7.F);
    const auto count = static_cast<double>(step_.out_height * step_.out_width);
    for (size_t c = 0; c < step_.channels; ++c) {
      double sum = 0;
      for (size_t i = c; i < wanted.size(); i += step_.channels) sum += wanted[i];
      EXPECT_NEAR(sums[c] / count, sum / count, 0.002) << c;
    }
  }

  std::vector<float> draw(size_t count) {
    std::vector<float> numbers(count);
    for (float& number : numbers) number = static_cast<float>(random_.uniform(-0.5, 0.5));
    return numbers;
  }

  // Numbers on grids: what the 8 bits of the map and of the weights mean.
  void draw_bytes() {
    constexpr float kScale = 0.0071F;
    bytes_.resize(x_.size());
    for (size_t i = 0; i < x_.size(); ++i) {
      bytes_[i] = static_cast<uint8_t>(random_.below(256));
      x_[i] = static_cast<float>(bytes_[i] - step_.in_zero) * kScale;
    }
    const size_t taps = expand_.size() / step_.channels;
    weights_s8_.resize(expand_.size());
    for (size_t c = 0; c < step_.channels; ++c) {
      const float scale = 0.003F + 0.0001F * static_cast<float>(c % 7);
      int sum = 0;
      for (size_t k = c * taps; k < (c + 1) * taps; ++k) {
        weights_s8_[k] = static_cast<int8_t>(static_cast<int>(random_.below(255)) - 127);
        expand_[k] = static_cast<float>(weights_s8_[k]) * scale;
        sum += weights_s8_[k];
      }
      units_.push_back(kScale * scale);
      shifts_.push_back(expand_bias_[c] - static_cast<float>(step_.in_zero * sum) * units_[c]);
    }
  }

  // Of the wide map, 0 outside it.
  double wide(size_t c, size_t y, size_t x) const {
    const Window2d& window = step_.expansion;
    if (step_.source == Source::kWide) return x_[(y * step_.width + x) * step_.channels + c];
    double sum = expand_bias_[c];
    size_t tap = c * step_.in_channels * window.height * window.width;
    for (size_t k = 0; k < step_.in_channels; ++k) {
      for (size_t ky = 0; ky < window.height; ++ky) {
        for (size_t kx = 0; kx < window.width; ++kx, ++tap) {
          const size_t from_y = y * window.stride_y + ky - window.pad_top;
          const size_t from_x = x * window.stride_x + kx - window.pad_left;
          if (from_y >= step_.in_height || from_x >= step_.in_width) continue;
          const size_t at = step_.source == Source::kPhoto
                                ? (k * step_.in_height + from_y) * step_.in_width + from_x
                                : (from_y * step_.in_width + from_x) * step_.in_channels + k;
          sum += double{x_[at]} * expand_[tap];
        }
      }
    }
    return activated(step_.first, sum);
  }

  std::vector<double> expected() const {
    const Window2d& window = step_.depthwise;
    std::vector<double> y;
    for (size_t row = 0; row < step_.out_height; ++row) {
      for (size_t column = 0; column < step_.out_width; ++column) {
        for (size_t c = 0; c < step_.channels; ++c) {
          double sum = depthwise_bias_[c];
          for (size_t ky = 0; ky < window.height; ++ky) {
            for (size_t kx = 0; kx < window.width; ++kx) {
              const size_t from_y = row * window.stride_y + ky - window.pad_top;
              const size_t from_x = column * window.stride_x + kx - window.pad_left;
              if (from_y >= step_.height || from_x >= step_.width) continue;
              sum += wide(c, from_y, from_x) *
                     depthwise_[(c * window.height + ky) * window.width + kx];
            }
          }
          y.push_back(activated(step_.second, sum));
        }
      }
    }
    return y;
  }

  ExpandDepthwise step_;
  Rng random_;
  std::vector<float> x_;
  std::vector<float> expand_;
  std::vector<float> depthwise_;
  std::vector<float> expand_bias_;
  std::vector<float> depthwise_bias_;
  std::vector<uint8_t> bytes_;  // kBytes, as what follows
  std::vector<int8_t> weights_s8_;
  std::vector<float> units_;
  std::vector<float> shifts_;
  static constexpr char kUntouched = 0x5A;
};

// Sizes of maps before and after a window that pads so that nothing is lost.
ExpandDepthwise problem(Source source, size_t in_channels, size_t channels, size_t height,
                        size_t width, const Window2d& window) {
  ExpandDepthwise step;
  step.source = source;
  step.in_channels = in_channels;
  step.channels = channels;
  step.height = step.in_height = height;
  step.width = step.in_width = width;
  step.depthwise = window;
  step.out_height = (height + window.pad_top - 1) / window.stride_y + 1;
  step.out_width = (width + window.pad_left - 1) / window.stride_x + 1;
  return step;
}

const Activation kSilu{.kind = Kind::kSilu};
const Activation kRelu6{.kind = Kind::kClip, .low = 0, .high = 6};

TEST(expand_depthwise, equals_plain_loops_for_windows_sizes_and_activations) {
  if (!has_avx512_bf16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  uint64_t seed = 1;
  for (const size_t window : {1, 3, 4, 5, 7}) {
    for (const size_t stride : {1, 2, 3}) {
      for (const size_t width : {1, 5, 17, 31}) {
        for (const size_t channels : {3, 16, 50, 100}) {
          SCOPED_TRACE(testing::Message()
                       << window << " / " << stride << ", " << width << " x " << channels);
          auto step = problem(Source::kMap, seed % 2 == 0 ? 6 : 42, channels, 4, width,
                              {window, window, stride, stride, window / 2, (window - 1) / 2});
          step.first = seed % 3 == 0 ? kSilu : seed % 3 == 1 ? kRelu6 : Activation{};
          step.second = seed % 2 == 0 ? kSilu : kRelu6;
          Case(step, seed++).check();
          step.source = Source::kWide;
          step.in_channels = channels;
          Case(step, seed++).check();
          step.source = Source::kBytes;
          step.in_channels = seed % 3 == 0 ? 12 : 132;
          step.in_zero = 117;
          Case(step, seed++).check();
          step.out_grid = ByteGrid{.scale = 0.013F, .zero = 31};
          Case(step, seed++).check();
        }
      }
    }
  }
}

TEST(expand_depthwise, of_photos_equals_plain_loops) {
  if (!has_avx512_bf16()) GTEST_SKIP() << "this processor has no bfloat16 products";
  for (const size_t size : {4, 11, 16}) {
    for (const size_t channels : {8, 32, 40}) {
      auto step = problem(Source::kPhoto, 3, channels, size, size + 1, {3, 3, 1, 1, 1, 1});
      step.in_height = 2 * size;
      step.in_width = 2 * (size + 1) - 1;
      step.expansion = {3, 3, 2, 2, 0, 1};
      step.first = kSilu;
      step.second = kSilu;
      Case(step, size + channels).check();
      step.source = Source::kBytes;
      for (const uint8_t zero : {0, 130}) {
        step.in_zero = zero;
        Case(step, size + channels).check();
      }
    }
  }
}

}  // namespace
}  // namespace cairn::engine::kernels
