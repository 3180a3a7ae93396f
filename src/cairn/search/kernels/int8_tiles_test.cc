#include "cairn/search/kernels/int8_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/base/testing/instructions.h"

namespace cairn::search::kernels {
namespace {

struct alignas(64) Line {
  uint8_t values[64];
};

// Panels and queries, of random numbers at the ends of their range. After the panels lies what is
// not theirs.
struct Numbers {
  Numbers(size_t groups_of, size_t queries_of, size_t panels_of, uint64_t seed)
      : groups(groups_of),
        count(panels_of),
        slots((queries_of + kQueryTile - 1) / kQueryTile * kQueryTile) {
    Rng rng(seed);
    const size_t steps = tile_steps(groups);
    rows.resize(groups * 2 * count + 64);
    for (Line& line : rows)
      for (uint8_t& value : line.values)
        value = rng.chance(0.2)   ? uint8_t{255}
                : rng.chance(0.2) ? uint8_t{0}
                                  : static_cast<uint8_t>(rng.below(256));
    values.resize(slots * steps);
    offsets.assign(slots, 0);
    lengths.assign(slots, 0);
    limits.assign(slots, INFINITY);
    for (size_t q = 0; q < queries_of; ++q) {
      for (size_t d = 0; d < groups * kGroup; ++d) {
        const int number = rng.chance(0.2)   ? 127
                           : rng.chance(0.2) ? -127
                                             : static_cast<int>(rng.below(255)) - 127;
        values[0].values[tile_place(q, d, steps)] = static_cast<uint8_t>(number);
        offsets[q] -= 128 * number;
      }
      lengths[q] = static_cast<float>(rng.uniform(0, 20));
      limits[q] = static_cast<float>(rng.uniform(-1, 4) * 10000 * std::sqrt(groups));
    }
    for (size_t r = 0; r < count * kPanelRows; ++r) {
      scales.push_back(static_cast<float>(rng.uniform(0.1, 1)));
      residuals.push_back(r % kPanelRows == 29 ? -INFINITY : static_cast<float>(rng.uniform(0, 1)));
    }
  }

  std::vector<Panel> panels() const {
    std::vector<Panel> result;
    for (size_t p = 0; p < count; ++p)
      result.push_back({rows[p * groups * 2].values, &scales[p * kPanelRows],
                        &residuals[p * kPanelRows], nullptr, rows[0].values});
    return result;
  }
  QueryTiles queries() const {
    return {slots, reinterpret_cast<const int8_t*>(values.data()), offsets.data(), lengths.data(),
            limits.data()};
  }

  size_t groups;
  size_t count;  // of panels
  size_t slots;
  std::vector<Line> rows;
  std::vector<Line> values;
  std::vector<int32_t> offsets;
  std::vector<float> lengths;
  std::vector<float> limits;
  std::vector<float> scales;
  std::vector<float> residuals;
};

void expect_as_plain(const Numbers& numbers) {
  std::vector<PromisingRows> fast(numbers.slots * numbers.count);
  std::vector<PromisingRows> plain(numbers.slots * numbers.count);
  const size_t count =
      promising_in_tiles(numbers.panels(), numbers.queries(), numbers.groups, fast.data());
  ASSERT_EQ(count, promising_in_tiles_plain(numbers.panels(), numbers.queries(), numbers.groups,
                                            plain.data()));
  for (size_t i = 0; i < count; ++i) {
    ASSERT_EQ(fast[i].query, plain[i].query);
    ASSERT_EQ(fast[i].panel, plain[i].panel);
    ASSERT_EQ(fast[i].mask, plain[i].mask) << fast[i].query;
    ASSERT_EQ(plain[i].mask >> 29 & 1, 0U);
    for (size_t r = 0; r < kPanelRows; ++r) {
      const float bound = plain[i].bounds[r];
      if (r != 29) {
        ASSERT_NEAR(fast[i].bounds[r], bound, 1e-6 * std::abs(bound) + 1e-3);
      }
    }
  }
}

TEST(promising_in_tiles, are_those_of_the_plain_function) {
  if (!has_int8_tiles()) GTEST_SKIP() << "this processor has no tile registers for 8 bits";
  const TileScope registers(shapes_of_tiles());
  size_t some = 0;
  for (const size_t groups : {1U, 2U, 15U, 16U, 17U, 31U, 32U, 127U, 128U, 129U}) {
    for (const size_t queries : {1U, 15U, 16U, 17U, 32U, 33U, 48U, 61U, 100U}) {
      for (const size_t panels : {1U, 2U}) {
        SCOPED_TRACE(std::to_string(groups) + " groups, " + std::to_string(queries) +
                     " queries, panels: " + std::to_string(panels));
        const Numbers numbers(groups, queries, panels, groups * 1000 + queries);
        ASSERT_NO_FATAL_FAILURE(expect_as_plain(numbers));
        std::vector<PromisingRows> found(numbers.slots * panels);
        const size_t count =
            promising_in_tiles(numbers.panels(), numbers.queries(), groups, found.data());
        some += count > 0 && count < queries * panels ? 1 : 0;
      }
    }
  }
  EXPECT_GT(some, 40U);  // neither all nor none
}

// What tiles find of a query is what vectors find of it.
TEST(promising_in_tiles, are_those_of_vectors) {
  if (!has_int8_tiles()) GTEST_SKIP() << "this processor has no tile registers for 8 bits";
  const TileScope registers(shapes_of_tiles());
  const size_t groups = 100;
  const Numbers numbers(groups, 40, 1, 1);
  std::vector<PromisingRows> found(numbers.slots);
  const size_t count =
      promising_in_tiles(numbers.panels(), numbers.queries(), groups, found.data());
  size_t at = 0;
  for (size_t q = 0; q < 40; ++q) {
    std::vector<int8_t> query(groups * kGroup);
    for (size_t d = 0; d < query.size(); ++d)
      query[d] = numbers.queries().values[tile_place(q, d, tile_steps(groups))];
    Promising by_vectors;
    promising_rows(numbers.panels()[0],
                   {1, query.data(), &numbers.offsets[q], &numbers.lengths[q], &numbers.limits[q],
                    groups, nullptr, nullptr},
                   groups, by_vectors);
    const bool is_next = at < count && found[at].query == q;
    ASSERT_EQ(by_vectors.mask(0), is_next ? found[at].mask : 0U) << q;
    at += is_next ? 1 : 0;
  }
  EXPECT_EQ(at, count);
  EXPECT_GT(count, 0U);
}

TEST(promising_in_tiles, of_the_largest_numbers_are_right) {
  if (!has_int8_tiles()) GTEST_SKIP() << "this processor has no tile registers for 8 bits";
  const TileScope registers(shapes_of_tiles());
  for (const int8_t value : {int8_t{127}, int8_t{-127}}) {
    Numbers numbers(128, 32, 1, 3);
    for (Line& line : numbers.rows) std::fill_n(line.values, sizeof(line.values), uint8_t{255});
    for (Line& line : numbers.values)
      std::fill_n(line.values, sizeof(line.values), static_cast<uint8_t>(value));
    numbers.offsets.assign(numbers.slots, -128 * value * 512);
    numbers.limits.assign(numbers.slots, -INFINITY);
    numbers.lengths.assign(numbers.slots, 0);
    numbers.scales.assign(kPanelRows, 1);
    numbers.residuals.assign(kPanelRows, 0);
    std::vector<PromisingRows> found(numbers.slots);
    ASSERT_EQ(promising_in_tiles(numbers.panels(), numbers.queries(), 128, found.data()), 32U);
    for (const PromisingRows& of_query : found)
      for (const float bound : of_query.bounds)
        ASSERT_EQ(bound, static_cast<float>(value * 127 * 512));
  }
}

TEST(promising_in_tiles, can_be_found_by_every_thread) {
  if (!has_int8_tiles()) GTEST_SKIP() << "this processor has no tile registers for 8 bits";
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (uint64_t round = 0; round < 20; ++round) {
        const TileScope registers(shapes_of_tiles());
        expect_as_plain(Numbers(40, 50, 2, t * 100 + round));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(has_int8_tiles, is_false_where_vector_instructions_are_left_out) {
  cairn::testing::with_any_instructions([] {
    if ((hwy::SupportedTargets() & HWY_AVX3_DL) == 0) {
      EXPECT_FALSE(has_int8_tiles());
    }
  });
}

}  // namespace
}  // namespace cairn::search::kernels
