#include "cairn/quantize/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/random.h"

namespace cairn::quantize {
namespace {

std::vector<float> normal_numbers(size_t count, double scale, uint64_t seed = 7) {
  Rng random(seed);
  std::vector<float> numbers(count);
  for (float& x : numbers) x = static_cast<float>(scale * random.normal());
  return numbers;
}

bool same(const Histogram& a, const Histogram& b) {
  bool equal = a.count() == b.count() && a.zeros() == b.zeros() && a.width() == b.width() &&
               a.lowest() == b.lowest() && a.highest() == b.highest();
  for (int bin = -Histogram::kBins; bin < Histogram::kBins; ++bin)
    equal = equal && a.at(bin) == b.at(bin);
  return equal;
}

TEST(histogram, counts_every_number_in_its_bin) {
  std::vector<float> numbers = normal_numbers(20000, 3.7);
  numbers.insert(numbers.end(), {0.F, 0.F, -0.F, 20.F, -20.F});
  Histogram histogram;
  histogram.add(numbers);
  EXPECT_EQ(histogram.zeros(), 3U);
  EXPECT_EQ(histogram.count(), numbers.size());
  uint64_t sum = 0;
  for (int bin = -Histogram::kBins; bin < Histogram::kBins; ++bin) {
    const double low = bin * histogram.width();
    const auto expected = std::count_if(numbers.begin(), numbers.end(), [&](float x) {
      return x >= low && x < low + histogram.width();
    });
    ASSERT_EQ(histogram.at(bin), static_cast<uint64_t>(expected)) << bin;
    sum += histogram.at(bin);
  }
  EXPECT_EQ(sum, numbers.size());
}

TEST(histogram, is_the_same_in_any_order_and_after_any_merges) {
  const std::vector<float> small = normal_numbers(1000, 0.01);
  const std::vector<float> large = normal_numbers(1000, 250);
  const std::vector<float> zeros(100, 0.F);
  Histogram up;
  for (const auto& numbers : {zeros, small, large}) up.add(numbers);
  Histogram down;
  for (const auto& numbers : {large, small, zeros}) down.add(numbers);
  EXPECT_TRUE(same(up, down));
  Histogram parts[3];
  parts[0].add(small);
  parts[1].add(large);
  parts[2].add(zeros);
  for (const auto& [a, b, c] : {std::array{0, 1, 2}, std::array{2, 1, 0}, std::array{2, 0, 1}}) {
    Histogram merged;
    for (const int part : {a, b, c}) merged.merge(parts[part]);
    EXPECT_TRUE(same(up, merged));
  }
}

TEST(histogram, quantiles_are_those_of_the_sorted_numbers) {
  std::vector<float> numbers = normal_numbers(50000, 2);
  for (float& x : numbers) x = x > -1 ? x : 0;  // a spike, as after an activation
  Histogram histogram;
  histogram.add(numbers);
  std::sort(numbers.begin(), numbers.end());
  for (const double share : {0.0, 0.0001, 0.01, 0.1, 0.5, 0.9, 0.999, 0.9999, 1.0}) {
    const auto rank = static_cast<size_t>(share * static_cast<double>(numbers.size() - 1));
    EXPECT_NEAR(histogram.quantile(share), numbers[rank], 0.02) << share;
  }
}

TEST(histogram, numbers_of_any_magnitude_fit) {
  Histogram histogram;
  const std::vector<float> numbers = {1e-42F, -1e-30F, 3e38F, std::numeric_limits<float>::max(),
                                      std::numeric_limits<float>::lowest()};
  histogram.add(numbers);
  uint64_t sum = 0;
  for (int bin = -Histogram::kBins; bin < Histogram::kBins; ++bin) sum += histogram.at(bin);
  EXPECT_EQ(sum, numbers.size());
}

TEST(histogram, refuses_what_is_no_number) {
  Histogram histogram;
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    const std::vector<float> numbers = {1.F, bad, 2.F};
    EXPECT_THROW(histogram.add(numbers), Error);
  }
}

}  // namespace
}  // namespace cairn::quantize
