#include "cairn/search/dot.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/search/dot.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::search {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The eight sums, in as many vectors as that takes. Products are exact, so that a fused addition
// rounds like one that is not.
double dot_impl(const float* a, const float* b, size_t dim) {
  constexpr size_t kLanes = 8;
  const hn::CappedTag<double, kLanes> d;
  const hn::Rebind<float, decltype(d)> narrow;
  constexpr size_t kWidth = hn::MaxLanes(d);
  constexpr size_t kVectors = kLanes / kWidth;
  hn::Vec<decltype(d)> vectors[kVectors];
  for (auto& vector : vectors) vector = hn::Zero(d);
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (size_t v = 0; v < kVectors; ++v) {
      const auto x = hn::PromoteTo(d, hn::LoadU(narrow, a + i + v * kWidth));
      const auto y = hn::PromoteTo(d, hn::LoadU(narrow, b + i + v * kWidth));
      vectors[v] = hn::MulAdd(x, y, vectors[v]);
    }
  }
  double sums[kLanes];
  for (size_t v = 0; v < kVectors; ++v) hn::StoreU(vectors[v], d, sums + v * kWidth);
  for (size_t lane = 0; i < dim; ++i, ++lane)
    sums[lane] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::search
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::search {

HWY_EXPORT(dot_impl);

double dot(const float* a, const float* b, size_t dim) {
  return HWY_DYNAMIC_DISPATCH(dot_impl)(a, b, dim);
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
#endif  // HWY_ONCE
