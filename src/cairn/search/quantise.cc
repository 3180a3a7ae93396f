#include "cairn/search/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "cairn/search/kernels/int8_panel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/search/quantise.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::search {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// More than the rounding errors of lengths that are computed in double.
constexpr double kRounding = 1 + 1e-9;

float largest_of(const float* row, size_t dim) {
  const hn::ScalableTag<float> d;
  const size_t width = hn::Lanes(d);
  auto all = hn::Zero(d);
  size_t i = 0;
  for (; i + width <= dim; i += width) all = hn::Max(all, hn::Abs(hn::LoadU(d, row + i)));
  float largest = hn::GetLane(hn::MaxOfLanes(d, all));
  for (; i < dim; ++i) largest = std::max(largest, std::abs(row[i]));
  return largest;
}

Quantised quantise_impl(const float* row, size_t dim, int8_t* numbers) {
  Quantised result;
  result.scale = largest_of(row, dim) / 127;
  const double scale = result.scale;
  const double factor = scale > 0 ? 1 / scale : 0;
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> floats;
  const hn::Rebind<int32_t, decltype(d)> whole;
  const hn::Rebind<int8_t, decltype(d)> bytes;
  const size_t width = hn::Lanes(d);
  auto residuals = hn::Zero(d);
  auto lengths = hn::Zero(d);
  size_t i = 0;
  for (; i + width <= dim; i += width) {
    const auto x = hn::PromoteTo(d, hn::LoadU(floats, row + i));
    const auto rounded = hn::Round(hn::Mul(x, hn::Set(d, factor)));
    const auto value = hn::Min(hn::Max(rounded, hn::Set(d, -127.0)), hn::Set(d, 127.0));
    hn::StoreU(hn::DemoteTo(bytes, hn::DemoteTo(whole, value)), bytes, numbers + i);
    const auto kept = hn::Mul(value, hn::Set(d, scale));
    const auto left = hn::Sub(x, kept);
    residuals = hn::MulAdd(left, left, residuals);
    lengths = hn::MulAdd(kept, kept, lengths);
  }
  double residual = hn::GetLane(hn::SumOfLanes(d, residuals));
  double length = hn::GetLane(hn::SumOfLanes(d, lengths));
  for (; i < dim; ++i) {
    const double value = std::clamp(std::nearbyint(row[i] * factor), -127.0, 127.0);
    numbers[i] = static_cast<int8_t>(value);
    const double kept = value * scale;
    residual += (row[i] - kept) * (row[i] - kept);
    length += kept * kept;
  }
  result.residual = std::sqrt(residual) * kRounding;
  result.length = std::sqrt(length) * kRounding;
  return result;
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::search
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::search {
namespace {

using kernels::kGroup;
using kernels::kPanelRows;

// More than the rounding errors of lengths that are computed in double.
constexpr double kRounding = 1 + 1e-9;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

HWY_EXPORT(quantise_impl);

Quantised quantise(const float* row, size_t dim, int8_t* numbers) {
  return HWY_DYNAMIC_DISPATCH(quantise_impl)(row, dim, numbers);
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
#endif  // HWY_ONCE
