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
// kOne: all are with the first vector.
template <size_t kRows, bool kOne>
void dots_of(const float* const* vectors_of, const float* const* rows, size_t dim, double* out) {
  const Doubles d;
  const hn::Rebind<float, Doubles> narrow;
  hn::Vec<Doubles> vectors[kRows][kVectors];
  for (auto& row : vectors)
    for (auto& vector : row) vector = hn::Zero(d);
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (size_t v = 0; v < kVectors; ++v) {
      const size_t at = i + v * kWidth;
      auto x = hn::PromoteTo(d, hn::LoadU(narrow, vectors_of[0] + at));
      for (size_t r = 0; r < kRows; ++r) {
        if (!kOne && r > 0) x = hn::PromoteTo(d, hn::LoadU(narrow, vectors_of[r] + at));
        const auto y = hn::PromoteTo(d, hn::LoadU(narrow, rows[r] + at));
        vectors[r][v] = hn::MulAdd(x, y, vectors[r][v]);
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    double sums[kLanes];
    for (size_t v = 0; v < kVectors; ++v) hn::StoreU(vectors[r][v], d, sums + v * kWidth);
    for (size_t lane = 0; i + lane < dim; ++lane)
      sums[lane] += static_cast<double>(vectors_of[kOne ? 0 : r][i + lane]) *
                    static_cast<double>(rows[r][i + lane]);
    out[r] =
        ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
  }
}

template <bool kOne>
void dots_of_all(const float* const* vectors, const float* const* rows, size_t count, size_t dim,
                 double* out) {
  constexpr size_t kTogether = kVectors == 1 ? 8 : 4;
  constexpr size_t kHalf = kTogether / 2;
  for (size_t i = 0; i < count;) {
    const float* const* its = vectors + (kOne ? 0 : i);
    const size_t left = count - i;
    const size_t taken = left >= kTogether ? kTogether : left >= kHalf ? kHalf : 1;
    if (taken == kTogether)
      dots_of<kTogether, kOne>(its, rows + i, dim, out + i);
    else if (taken == kHalf)
      dots_of<kHalf, kOne>(its, rows + i, dim, out + i);
    else
      dots_of<1, kOne>(its, rows + i, dim, out + i);
    i += taken;
  }
}

void dots_impl(const float* a, const float* const* rows, size_t count, size_t dim, double* out) {
  dots_of_all<true>(&a, rows, count, dim, out);
}

void dots_of_pairs_impl(const float* const* vectors, const float* const* rows, size_t count,
                        size_t dim, double* out) {
  dots_of_all<false>(vectors, rows, count, dim, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn::search
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::search {

HWY_EXPORT(dots_impl);
HWY_EXPORT(dots_of_pairs_impl);

double dot(const float* a, const float* b, size_t dim) {
  double product = 0;
  dots(a, &b, 1, dim, &product);
  return product;
}

void dots(const float* a, const float* const* rows, size_t count, size_t dim, double* out) {
  HWY_DYNAMIC_DISPATCH(dots_impl)(a, rows, count, dim, out);
}

void dots_of_pairs(const float* const* vectors, const float* const* rows, size_t count, size_t dim,
                   double* out) {
  HWY_DYNAMIC_DISPATCH(dots_of_pairs_impl)(vectors, rows, count, dim, out);
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
