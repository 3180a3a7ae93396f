#include "cairn/search/kernels/int8_panel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/base/testing/instructions.h"

namespace cairn::search::kernels {
namespace {

using cairn::testing::with_any_instructions;

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

  // Bounds of what comes after so many groups.
  void look_at_heads(size_t groups_of_head) {
    head = groups_of_head;
    rests.assign(queries, 0);
    rest_offsets.assign(queries, 0);
    std::vector<double> squares(queries, 0);
    for (size_t i = head * queries * kGroup; i < values.size(); ++i) {
      squares[i / kGroup % queries] += values[i] * values[i];
      rest_offsets[i / kGroup % queries] += 128 * values[i];
    }
    for (size_t q = 0; q < queries; ++q) rests[q] = static_cast<float>(std::sqrt(squares[q]));
    row_rests.clear();
    for (size_t r = 0; r < kPanelRows; ++r) {
      double of_row = 0;
      for (size_t at = head * kGroup; at < groups * kGroup; ++at) {
        const double value =
            rows[0].values[(at / kGroup * kPanelRows + r) * kGroup + at % kGroup] - 128;
        of_row += value * value;
      }
      row_rests.push_back(static_cast<float>(scales[r] * std::sqrt(of_row) * (1 + 1e-6)));
    }
  }

  Panel panel() const {
    return {rows[0].values, scales.data(), residuals.data(), row_rests.data(), rows[0].values};
  }
  Tile tile() const {
    return {queries,       values.data(), offsets.data(), lengths.data(),
            limits.data(), head,          rests.data(),   rest_offsets.data()};
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
  size_t head = SIZE_MAX;
  std::vector<float> rests = {};
  std::vector<int32_t> rest_offsets = {};
  std::vector<float> row_rests = {};
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
        ASSERT_EQ(fast.mask(q), plain.mask(q)) << groups << " " << q;
        ASSERT_EQ(plain.mask(q) >> 29 & 1, 0U);
        for (size_t r = 0; r < kPanelRows; ++r) {
          if ((fast.mask(q) >> r & 1) == 0) continue;
          ASSERT_NEAR(fast.bounds[q][r], plain.bounds[q][r], 1e-6 * std::abs(plain.bounds[q][r]));
        }
      }
    }
  }
}

TEST(promising_rows, are_those_of_the_plain_function_with_any_instructions) {
  with_any_instructions(expect_as_plain);
}

// With limits around the best bound: a little below it a panel must never be given up, and far
// above it always is, once enough of it is known.
void expect_given_up_rightly(size_t queries) {
  size_t given_up = 0;
  for (const size_t groups : {size_t{1}, size_t{2}, size_t{7}, size_t{64}, size_t{129}}) {
    for (const size_t head : {size_t{0}, size_t{1}, groups / 2, groups - 1, groups}) {
      Numbers numbers(groups, queries, groups + head);
      numbers.look_at_heads(head);
      numbers.limits.assign(queries, -1e30F);
      Promising all;
      ASSERT_EQ(promising_rows_plain(numbers.panel(), numbers.tile(), groups, all), queries);
      float best = 0;
      for (size_t q = 0; q < queries; ++q)
        for (size_t r = 0; r < kPanelRows; ++r)
          if (r != 29) best = std::max(best, all.bounds[q][r]);
      for (const float factor : {0.2F, 0.999F, 1.5F, 4.0F, 1000.0F}) {
        // Some queries that nothing is given up for: few go on alone, many together.
        for (const size_t easy : {0U, 1U, 5U, 6U, 11U}) {
          numbers.limits.assign(queries, best * factor);
          std::fill_n(numbers.limits.begin(), std::min<size_t>(easy, queries), -1000.0F);
          Promising fast;
          Promising plain;
          const size_t whole = promising_rows(numbers.panel(), numbers.tile(), groups, fast);
          ASSERT_GE(whole, promising_rows_plain(numbers.panel(), numbers.tile(), groups, plain));
          ASSERT_TRUE(whole > 0 || (factor > 1 && head < groups)) << groups << " " << head;
          ASSERT_LE(whole, factor == 1000 && head < groups && easy < 6 ? easy : queries);
          given_up += whole < queries ? 1 : 0;
          for (size_t q = 0; q < queries; ++q)
            ASSERT_EQ(fast.mask(q), plain.mask(q)) << groups << " " << head << " " << factor;
        }
      }
    }
  }
  EXPECT_GT(given_up, 40U);
}

TEST(promising_rows, of_panels_that_are_given_up_there_are_none) {
  with_any_instructions([] {
    expect_given_up_rightly(1);
    expect_given_up_rightly(kTileQueries);
  });
}

// The heads of all rows are opposite to the query's, and only the rest makes one row promising.
TEST(promising_rows, may_owe_everything_to_the_rest) {
  with_any_instructions([] {
    const size_t groups = 16;
    Numbers numbers(groups, kTileQueries, 1);
    for (Line& line : numbers.rows) std::fill_n(line.values, sizeof(line.values), uint8_t{127});
    std::fill(numbers.values.begin(), numbers.values.end(), int8_t{100});
    numbers.offsets.assign(kTileQueries, -128 * 100 * static_cast<int>(groups * kGroup));
    for (size_t group = groups / 2; group < groups; ++group)
      for (size_t i = 0; i < kGroup; ++i)
        numbers.rows[group * 2 + 1].values[(21 - 16) * kGroup + i] = 255;
    numbers.scales.assign(kPanelRows, 1);
    const auto product = static_cast<float>(groups / 2 * kGroup * 100 * (127 - 1));
    numbers.lengths.assign(kTileQueries, 0);
    numbers.limits.assign(kTileQueries, product);
    numbers.residuals.assign(kPanelRows, 0);
    numbers.look_at_heads(groups / 2);
    Promising found;
    ASSERT_EQ(promising_rows(numbers.panel(), numbers.tile(), groups, found), kTileQueries);
    for (size_t q = 0; q < kTileQueries; ++q) EXPECT_EQ(found.mask(q), uint32_t{1} << 21);
    numbers.limits.assign(kTileQueries, product * 1.05F);
    EXPECT_EQ(promising_rows(numbers.panel(), numbers.tile(), groups, found), 0U);
  });
}

}  // namespace
}  // namespace cairn::search::kernels
