#include "cairn/rank/quantile.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cairn/base/error.h"

namespace cairn::rank {
namespace {

constexpr double kEdge = 1e-7;  // quantiles nearer to 0 or 1 count as this

// Linear interpolation of the position of `value` in ascending `points` as a share 0 … 1; of equal
// points the last one counts.
double position(double value, std::span<const double> points) {
  const auto above = std::upper_bound(points.begin(), points.end(), value);
  if (above == points.begin()) return 0;
  if (above == points.end()) return 1;
  const auto i = static_cast<double>(above - points.begin()) - 1;
  const double low = *(above - 1);
  return (i + (value - low) / (*above - low)) / static_cast<double>(points.size() - 1);
}

// As above; of equal points the first one counts.
double position_from_above(double value, std::span<const double> points) {
  const auto at = std::lower_bound(points.begin(), points.end(), value);
  if (at == points.end()) return 1;
  const auto i = static_cast<double>(at - points.begin());
  if (*at == value || at == points.begin())
    return i / static_cast<double>(std::max<size_t>(1, points.size() - 1));
  const double low = *(at - 1);
  return (i - 1 + (value - low) / (*at - low)) / static_cast<double>(points.size() - 1);
}

}  // namespace

double normal_quantile(double p) {
  static constexpr double kA[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                                  -2.759285104469687e+02, 1.383577518672690e+02,
                                  -3.066479806614716e+01, 2.506628277459239e+00};
  static constexpr double kB[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                                  -1.556989798598866e+02, 6.680131188771972e+01,
                                  -1.328068155288572e+01};
  static constexpr double kC[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                                  -2.400758277161838e+00, -2.549732539343734e+00,
                                  4.374664141464968e+00,  2.938163982698783e+00};
  static constexpr double kD[] = {7.784695709041462e-03, 3.224671290700398e-01,
                                  2.445134137142996e+00, 3.754408661907416e+00};
  constexpr double kTail = 0.02425;
  const auto tail = [](double share) {
    const double q = std::sqrt(-2 * std::log(share));
    return (((((kC[0] * q + kC[1]) * q + kC[2]) * q + kC[3]) * q + kC[4]) * q + kC[5]) /
           ((((kD[0] * q + kD[1]) * q + kD[2]) * q + kD[3]) * q + 1);
  };
  double x = 0;
  if (p < kTail) {
    x = tail(p);
  } else if (p > 1 - kTail) {
    x = -tail(1 - p);
  } else {
    const double q = p - 0.5;
    const double r = q * q;
    x = (((((kA[0] * r + kA[1]) * r + kA[2]) * r + kA[3]) * r + kA[4]) * r + kA[5]) * q /
        (((((kB[0] * r + kB[1]) * r + kB[2]) * r + kB[3]) * r + kB[4]) * r + 1);
  }
  const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p;
  const double step = error * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
  return x - step / (1 + x * step / 2);
}

QuantileTransform::QuantileTransform(std::span<const float> values, size_t dim, size_t quantiles)
    : dim_(dim), count_(std::min(quantiles, values.size() / dim)) {
  const size_t rows = values.size() / dim;
  CAIRN_ASSERT(rows > 0);
  std::vector<double> column(rows);
  for (size_t d = 0; d < dim; ++d) {
    for (size_t i = 0; i < rows; ++i) column[i] = values[i * dim + d];
    std::sort(column.begin(), column.end());
    for (size_t k = 0; k < count_; ++k) {
      const double at = count_ > 1 ? static_cast<double>(k) * static_cast<double>(rows - 1) /
                                         static_cast<double>(count_ - 1)
                                   : 0;
      const auto low = static_cast<size_t>(at);
      const size_t high = std::min(low + 1, rows - 1);
      references_.push_back(column[low] +
                            (column[high] - column[low]) * (at - static_cast<double>(low)));
    }
  }
}

float QuantileTransform::transform(float value, size_t dimension) const {
  const std::span<const double> points(references_.data() + dimension * count_, count_);
  // The values at both ends stand for everything beyond them.
  double share = 0.5 * (position(value, points) + position_from_above(value, points));
  if (value >= points.back()) share = 1;
  if (value <= points.front()) share = 0;
  const double farthest = -normal_quantile(kEdge);
  return static_cast<float>(
      std::clamp(normal_quantile(std::clamp(share, kEdge, 1 - kEdge)), -farthest, farthest));
}

void QuantileTransform::apply_unscaled(std::vector<float>& values) const {
  for (size_t i = 0; i < values.size(); ++i) values[i] = transform(values[i], i % dim_);
}

void QuantileTransform::apply(std::vector<float>& values) const {
  apply_unscaled(values);
  for (size_t begin = 0; begin < values.size(); begin += dim_) {
    double squares = 0;
    for (size_t d = 0; d < dim_; ++d)
      squares += static_cast<double>(values[begin + d]) * values[begin + d];
    const double length = std::sqrt(squares);
    if (length == 0) continue;
    for (size_t d = 0; d < dim_; ++d)
      values[begin + d] = static_cast<float>(values[begin + d] / length);
  }
}

}  // namespace cairn::rank
