#include "cairn/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/testing/testing.h"

namespace cairn {
namespace {

TEST(Random, matches_the_check_values_of_the_golden_readme) {
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(fnv1a("input"), 0x1ebbae8f5810b65bULL);
  EXPECT_NEAR(testing::golden_u("input", 0), -0.80436331, 5e-9);
  EXPECT_NEAR(testing::golden_u("input", 3), -0.45111067, 5e-9);
}

TEST(Random, normal_numbers_have_mean_0_and_deviation_1) {
  Rng rng(1);
  double sum = 0;
  double squares = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double value = rng.normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.02);
  EXPECT_NEAR(std::sqrt(squares / kCount), 1, 0.02);
}

TEST(Random, shuffle_keeps_all_items_and_follows_the_seed) {
  std::vector<int> first(100);
  std::iota(first.begin(), first.end(), 0);
  std::vector<int> second = first;
  const std::vector<int> sorted = first;
  Rng(7).shuffle(first);
  Rng(7).shuffle(second);
  EXPECT_EQ(first, second);
  EXPECT_NE(first, sorted);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, sorted);
}

TEST(Random, streams_differ) {
  EXPECT_NE(Rng::for_stream(1, 2, 3).next(), Rng::for_stream(1, 3, 2).next());
  EXPECT_EQ(Rng::for_stream(1, 2, 3).next(), Rng::for_stream(1, 2, 3).next());
}

TEST(Rng, beta_has_the_mean_and_the_spread_of_its_shape) {
  for (const double shape : {0.2, 1.0, 3.0}) {
    Rng random(9);
    double sum = 0;
    double squares = 0;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      const double value = random.beta(shape, shape);
      ASSERT_GE(value, 0);
      ASSERT_LE(value, 1);
      sum += value;
      squares += (value - 0.5) * (value - 0.5);
    }
    EXPECT_NEAR(sum / kDraws, 0.5, 0.01) << shape;
    EXPECT_NEAR(squares / kDraws, 0.25 / (2 * shape + 1), 0.005) << shape;
  }
}

}  // namespace
}  // namespace cairn
