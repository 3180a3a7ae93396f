#include "cairn/search/dot.h"

#include <cmath>

namespace cairn::search {

double dot(const float* a, const float* b, size_t dim) {
  constexpr size_t kLanes = 8;
  double sums[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
    }
  }
  for (size_t lane = 0; i < dim; ++i, ++lane) {
    sums[lane] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

double length_bound(const float* row, size_t dim) {
  constexpr size_t kLanes = 16;
  constexpr double kSlack = 1.0005;  // rounding errors of 10,000 additions
  float sums[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += row[i + lane] * row[i + lane];
  }
  for (size_t lane = 0; i < dim; ++i, ++lane) sums[lane] += row[i] * row[i];
  double sum = 0;
  for (const float part : sums) sum += part;
  return std::sqrt(sum) * kSlack;
}

}  // namespace cairn::search
