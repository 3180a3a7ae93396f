#include "cairn/search/kernels/int8_panel.h"

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cmath>
#include <vector>

#include "cairn/base/random.h"

namespace cairn::search::kernels {
namespace {

struct alignas(64) Line {
  uint8_t values[64];
};

// A panel and a tile of random numbers at the ends of their range.
struct Numbers {
  Numbers(size_t groups_of, size_t queries_of, uint64_t seed)
      : groups(groups_of), queries(queries_of), rows(groups * 2) {
    Rng rng(seed);
    for (Line& line : rows)
      for (uint8_t& value : line.values)
        value = static_cast<uint8_t>(rng.chance(0.3) ? 255 : 1 + rng.below(255));
    values.resize(groups * queries * kGroup);
    offsets.assign(queries, 0);
    for (size_t i = 0; i < values.size(); ++i) {
      const int number = rng.chance(0.3) ? 127 : static_cast<int>(rng.below(255)) - 127;
      values[i] = static_cast<int8_t>(number);
      offsets[i / kGroup % queries] -= 128 * number;
    }
    for (size_t r = 0; r < kPanelRows; ++r) {
      scales.push_back(static_cast<float>(rng.uniform(0.1, 1)));
      residuals.push_back(r == 29 ? -INFINITY : static_cast<float>(rng.uniform(0, 1)));
    }
    lengths.assign(queries, 10);
    limits.assign(queries, static_cast<float>(groups) * 1000);
  }

  Panel panel() const { return {rows[0].values, scales.data(), residuals.data()}; }
  Tile tile() const {
    return {queries, values.data(), offsets.data(), lengths.data(), limits.data()};
  }

  size_t groups;
  size_t queries;
  std::vector<Line> rows;
  std::vector<int8_t> values;
  std::vector<int32_t> offsets;
  std::vector<float> scales;
  std::vector<float> residuals;
  std::vector<float> lengths;
  std::vector<float> limits;
};

void expect_as_plain() {
  for (const size_t groups : {1U, 2U, 3U, 16U, 127U, 128U}) {
    for (const size_t queries : {size_t{1}, kTileQueries}) {
      const Numbers numbers(groups, queries, groups);
      Promising fast;
      Promising plain;
      promising_rows(numbers.panel(), numbers.tile(), groups, fast);
      promising_rows_plain(numbers.panel(), numbers.tile(), groups, plain);
      for (size_t q = 0; q < queries; ++q) {
        ASSERT_EQ(fast.masks[q], plain.masks[q]) << groups << " " << q;
        ASSERT_EQ(plain.masks[q] >> 29 & 1, 0U);
        for (size_t r = 0; r < kPanelRows; ++r) {
          if ((fast.masks[q] >> r & 1) == 0) continue;
          ASSERT_NEAR(fast.bounds[q][r], plain.bounds[q][r], 1e-6 * std::abs(plain.bounds[q][r]));
        }
      }
    }
  }
}

TEST(promising_rows, are_those_of_the_plain_function_with_any_instructions) {
  const int64_t all = hwy::SupportedTargets();
  for (const int64_t best : {all, int64_t{HWY_AVX3}, int64_t{HWY_AVX2}, int64_t{HWY_SCALAR}}) {
    if ((all & best) == 0 && best != HWY_SCALAR) continue;
    hwy::SetSupportedTargetsForTest(best);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(best);
    expect_as_plain();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace
}  // namespace cairn::search::kernels
