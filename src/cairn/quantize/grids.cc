#include "cairn/quantize/grids.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "cairn/base/error.h"

namespace cairn::quantize {
namespace {

constexpr int kLevels = 256;
constexpr float kLargest = 127;
// Below this a scale's inverse might be no float.
constexpr float kLeastScale = 1e-30F;

// The bins that a range covers, at least one.
struct Span {
  int first;
  int end;
};

Span bins_within(const Histogram& histogram, const Range& range) {
  const int first = static_cast<int>(std::floor(range.low / histogram.width()));
  const int end = static_cast<int>(std::ceil(range.high / histogram.width()));
  return {std::max(first, -Histogram::kBins), std::clamp(end, first + 1, Histogram::kBins)};
}

// KL(P, Q): P is the histogram with what lies outside added to its ends; Q the inner part alone,
// spread evenly within each level over the bins that hold anything. Exact zeros are left out: every
// grid has them.
double divergence(const Histogram& histogram, const Range& range) {
  const Span span = bins_within(histogram, range);
  const auto bins = static_cast<size_t>(span.end - span.first);
  std::vector<double> inner(bins);
  double below = 0;
  double above = 0;
  for (int bin = -Histogram::kBins; bin < Histogram::kBins; ++bin) {
    auto here = static_cast<double>(histogram.at(bin));
    if (bin == 0) here -= static_cast<double>(histogram.zeros());
    if (bin < span.first)
      below += here;
    else if (bin >= span.end)
      above += here;
    else
      inner[static_cast<size_t>(bin - span.first)] = here;
  }
  std::vector<double> p = inner;
  p.front() += below;
  p.back() += above;
  std::vector<double> q(bins, 0);
  for (size_t level = 0; level < kLevels; ++level) {
    const size_t begin = level * bins / kLevels;
    const size_t end = (level + 1) * bins / kLevels;
    double sum = 0;
    size_t filled = 0;
    for (size_t i = begin; i < end; ++i) {
      sum += inner[i];
      filled += p[i] > 0 ? 1 : 0;
    }
    for (size_t i = begin; i < end; ++i)
      if (p[i] > 0) q[i] = sum / static_cast<double>(filled);
  }
  double p_sum = 0;
  double q_sum = 0;
  for (size_t i = 0; i < bins; ++i) {
    p_sum += p[i];
    q_sum += q[i];
  }
  if (!(p_sum > 0) || !(q_sum > 0)) return std::numeric_limits<double>::infinity();
  constexpr double kAlmostNone = 1e-12;
  double sum = 0;
  for (size_t i = 0; i < bins; ++i)
    if (p[i] > 0)
      sum += p[i] / p_sum * std::log(p[i] / p_sum / std::max(q[i] / q_sum, kAlmostNone));
  return sum;
}

Range least_divergence(const Histogram& histogram, const Range& all) {
  constexpr int kCandidates = 64;
  Range best = all;
  double least = std::numeric_limits<double>::infinity();
  for (int k = kCandidates; k >= kCandidates / 8; --k) {
    const double share = static_cast<double>(k) / kCandidates;
    const Range range{all.low * share, all.high * share};
    const double here = divergence(histogram, range);
    if (here < least) {
      least = here;
      best = range;
    }
  }
  return best;
}

float nearest_step(float weight, float scale) {
  return std::clamp(std::nearbyint(weight / scale), -kLargest, kLargest);
}

double squared_error(std::span<const float> weights, float scale) {
  double sum = 0;
  for (const float weight : weights) {
    const double error = weight - nearest_step(weight, scale) * scale;
    sum += error * error;
  }
  return sum;
}

float scale_of(std::span<const float> weights, WeightScales scales) {
  float largest = 0;
  for (const float weight : weights) largest = std::max(largest, std::abs(weight));
  if (largest / kLargest < kLeastScale) return 1;  // zeros
  float best = largest / kLargest;
  if (scales == WeightScales::kMax) return best;
  double least = squared_error(weights, best);
  constexpr int kSteps = 40;  // down to 0.6 of the largest weight
  for (int k = 1; k <= kSteps; ++k) {
    const float scale = largest / kLargest * (1 - 0.01F * static_cast<float>(k));
    const double error = squared_error(weights, scale);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

}  // namespace

Calibration parse_calibration(const std::string& name) {
  if (name == "max") return Calibration::kMax;
  if (name == "percentile") return Calibration::kPercentile;
  if (name == "kl") return Calibration::kKl;
  throw Error("--calibration: " + name + " is not one of percentile, kl, max");
}

Range choose_range(const Histogram& histogram, Calibration calibration, double percentile) {
  const Range all{histogram.lowest(), histogram.highest()};
  if (histogram.count() == 0 || calibration == Calibration::kMax) return all;
  if (calibration == Calibration::kKl) return least_divergence(histogram, all);
  const double share = percentile / 100;
  return {std::min(histogram.quantile(1 - share), 0.0), std::max(histogram.quantile(share), 0.0)};
}

engine::Grid grid_of_range(const Range& range) {
  CAIRN_ASSERT(range.low <= 0 && range.high >= 0);
  engine::Grid grid;
  const auto scale = static_cast<float>((range.high - range.low) / (kLevels - 1));
  if (scale < kLeastScale) return grid;  // zeros
  grid.scale = scale;
  grid.zero = static_cast<int32_t>(
      std::clamp(std::nearbyint(-range.low / scale), 0.0, static_cast<double>(kLevels - 1)));
  return grid;
}

engine::QuantisedWeights quantise_weights(const engine::Tensor& weights, WeightScales scales) {
  engine::QuantisedWeights quantised{engine::Tensor(engine::DType::kI8, weights.shape()), {}};
  const auto channels = static_cast<size_t>(weights.dim(0));
  const size_t each = channels > 0 ? weights.count() / channels : 0;
  for (size_t c = 0; c < channels; ++c) {
    const std::span<const float> channel = weights.values<float>().subspan(c * each, each);
    const float scale = scale_of(channel, scales);
    quantised.scales.push_back(scale);
    for (size_t i = 0; i < each; ++i)
      quantised.values.data<int8_t>()[c * each + i] =
          static_cast<int8_t>(nearest_step(channel[i], scale));
  }
  return quantised;
}

}  // namespace cairn::quantize
