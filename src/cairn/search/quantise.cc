#include "cairn/search/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "cairn/search/kernels/int8_panel.h"

namespace cairn::search {
namespace {

using kernels::kGroup;
using kernels::kPanelRows;

// More than the rounding errors of lengths that are computed in double.
constexpr double kRounding = 1 + 1e-9;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

Quantised quantise(const float* row, size_t dim, int8_t* numbers) {
  float largest = 0;
  for (size_t d = 0; d < dim; ++d) largest = std::max(largest, std::abs(row[d]));
  Quantised result;
  result.scale = largest / 127;
  const double factor = result.scale > 0 ? 1 / static_cast<double>(result.scale) : 0;
  double residual = 0;
  double length = 0;
  for (size_t d = 0; d < dim; ++d) {
    const double value = std::clamp(std::nearbyint(row[d] * factor), -127.0, 127.0);
    numbers[d] = static_cast<int8_t>(value);
    const double kept = value * result.scale;
    residual += (row[d] - kept) * (row[d] - kept);
    length += kept * kept;
  }
  result.residual = std::sqrt(residual) * kRounding;
  result.length = std::sqrt(length) * kRounding;
  return result;
}

double length_of(const int8_t* numbers, size_t count) {
  int64_t squares = 0;
  for (size_t i = 0; i < count; ++i) squares += numbers[i] * numbers[i];
  return std::sqrt(static_cast<double>(squares)) * kRounding;
}

float round_up(double value) { return std::nextafter(static_cast<float>(value), kInfinity); }

float round_down(double value) { return std::nextafter(static_cast<float>(value), -kInfinity); }

PanelLayout::PanelLayout(size_t dim)
    : dim_(dim), groups_((dim + kGroup - 1) / kGroup), bytes_(groups_ * kPanelRows * kGroup) {}

size_t PanelLayout::panels(size_t rows) { return (rows + kPanelRows - 1) / kPanelRows; }

double PanelLayout::fill(const float* rows, size_t count, uint8_t* values,
                         const RowNumbers<float>& of_rows) const {
  double longest = 0;
  std::vector<int8_t> numbers(groups_ * kGroup, 0);
  std::fill_n(values, bytes_, uint8_t{0});
  std::fill_n(of_rows.scales, kPanelRows, 0.0F);
  std::fill_n(of_rows.residuals, kPanelRows, -kInfinity);
  for (float* rests : of_rows.rests) std::fill_n(rests, kPanelRows, 0.0F);
  for (size_t r = 0; r < count; ++r) {
    const Quantised quantised = quantise(rows + r * dim_, dim_, numbers.data());
    for (size_t group = 0; group < groups_; ++group) {
      uint8_t four[kGroup];
      for (size_t i = 0; i < kGroup; ++i)
        four[i] = static_cast<uint8_t>(numbers[group * kGroup + i] + 128);
      std::memcpy(values + (group * kPanelRows + r) * kGroup, four, kGroup);
    }
    of_rows.scales[r] = quantised.scale;
    of_rows.residuals[r] = round_up(quantised.residual);
    for (size_t h = 0; h < kHeads; ++h) {
      const size_t from = head(h) * kGroup;
      const double rest = length_of(&numbers[from], numbers.size() - from);
      of_rows.rests[h][r] = round_up(quantised.scale * rest);
    }
    longest = std::max(longest, quantised.length);
  }
  return longest;
}

}  // namespace cairn::search
