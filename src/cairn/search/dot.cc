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

constexpr size_t kLanes = 8;
using Doubles = hn::CappedTag<double, kLanes>;
constexpr size_t kWidth = hn::MaxLanes(Doubles());
constexpr size_t kVectors = kLanes / kWidth;

// The eight sums of each product, in as many vectors as that takes. Products are exact, so that a
// fused addition rounds like one that is not.
template <size_t kRows>
void dots_of(const float* a, const float* const* rows, size_t dim, double* out) {
  const Doubles d;
  const hn::Rebind<float, Doubles> narrow;
  hn::Vec<Doubles> vectors[kRows][kVectors];
  for (auto& row : vectors)
    for (auto& vector : row) vector = hn::Zero(d);
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (size_t v = 0; v < kVectors; ++v) {
      const auto x = hn::PromoteTo(d, hn::LoadU(narrow, a + i + v * kWidth));
      for (size_t r = 0; r < kRows; ++r) {
        const auto y = hn::PromoteTo(d, hn::LoadU(narrow, rows[r] + i + v * kWidth));
        vectors[r][v] = hn::MulAdd(x, y, vectors[r][v]);
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    double sums[kLanes];
    for (size_t v = 0; v < kVectors; ++v) hn::StoreU(vectors[r][v], d, sums + v * kWidth);
    for (size_t lane = 0; i + lane < dim; ++lane)
      sums[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(rows[r][i + lane]);
    out[r] =
        ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
  }
}

void dots_impl(const float* a, const float* const* rows, size_t count, size_t dim, double* out) {
  constexpr size_t kTogether = kVectors == 1 ? 8 : 4;
  for (; count >= kTogether; count -= kTogether, rows += kTogether, out += kTogether)
    dots_of<kTogether>(a, rows, dim, out);
  constexpr size_t kHalf = kTogether / 2;
  if (count >= kHalf) {
    dots_of<kHalf>(a, rows, dim, out);
    count -= kHalf, rows += kHalf, out += kHalf;
  }
  for (size_t r = 0; r < count; ++r) dots_of<1>(a, rows + r, dim, out + r);
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::search
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::search {

HWY_EXPORT(dots_impl);

double dot(const float* a, const float* b, size_t dim) {
  double product = 0;
  dots(a, &b, 1, dim, &product);
  return product;
}

void dots(const float* a, const float* const* rows, size_t count, size_t dim, double* out) {
  HWY_DYNAMIC_DISPATCH(dots_impl)(a, rows, count, dim, out);
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
