#include "cairn/search/row_copies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/testing/instructions.h"
#include "cairn/search/candidates.h"
#include "cairn/search/quantised_rows.h"
#include "cairn/search/testing/same_hits.h"
#include "cairn/search/testing/sets.h"

namespace cairn::search {
namespace {

using cairn::testing::with_any_instructions;
using testing::clustered_set;
using testing::expect_same;
using testing::random_set;
using testing::Set;

// The lists of the copies, with the processor's instructions, with those for vectors only and
// without any, are those of the rows.
void expect_exact(const Set& queries, const Set& index, size_t top) {
  const QuantisedRows copies(index.rows(), 2);
  const SearchOptions options{.top = top, .threads = 2};
  const auto exact = search_exact(queries.rows(), index.rows(), options);
  expect_same(copies.search(queries.rows(), options), exact);
  expect_same(copies.search(queries.rows(), options, {.tile_registers = false}), exact);
  expect_same(copies.search(queries.rows(), options, {.plain = true}), exact);
}

void change(Set& set, const std::function<float(size_t row, float value)>& changed) {
  for (size_t i = 0; i < set.values.size(); ++i)
    set.values[i] = changed(i / set.dim, set.values[i]);
}

TEST(search_copies, orders_rows_that_are_all_the_same_by_id) {
  Set index = random_set("i", 700, 24, 1);
  change(index, [&, at = size_t{0}](size_t, float) mutable { return index.values[at++ % 24]; });
  expect_exact(random_set("q", 3, 24, 2), index, 50);
}

TEST(search_copies, tells_rows_apart_that_are_closer_than_float_rounding) {
  Set index = random_set("i", 900, 512, 3);
  Rng rng(4);
  for (size_t i = 512; i < index.values.size(); ++i)
    index.values[i] =
        rng.chance(0.5) ? index.values[i % 512] : std::nextafter(index.values[i % 512], 1.0F);
  expect_exact(random_set("q", 5, 512, 5), index, 40);
}

TEST(search_copies, answer_for_rows_and_queries_of_zeros) {
  Set index = random_set("i", 300, 20, 6);
  change(index, [](size_t row, float value) { return row % 3 == 0 ? value : 0; });
  Set queries = random_set("q", 5, 20, 7);
  change(queries, [](size_t row, float value) { return row == 1 ? 0 : value; });
  expect_exact(queries, index, 150);
}

TEST(search_copies, answer_for_rows_of_any_length) {
  for (const float largest : {1e-38F, 1e-20F, 1e4F, 1e18F}) {
    Set index = clustered_set("i", 500, 33, 8);
    change(index, [&](size_t row, float value) {
      return value * largest * static_cast<float>(row % 5) * 0.25F;
    });
    for (const float length : {1e-30F, 1.0F, 1e15F}) {
      Set queries = clustered_set("q", 7, 33, 9);
      change(queries, [&](size_t, float value) { return value * length; });
      expect_exact(queries, index, 20);
    }
  }
}

TEST(search_copies, order_scores_beyond_float_by_id) {
  Set index = clustered_set("i", 500, 16, 10);
  change(index, [](size_t row, float value) { return row % 2 == 0 ? value * 1e30F : value; });
  Set queries = clustered_set("q", 7, 16, 11);
  change(queries, [](size_t, float value) { return value * 1e12F; });
  expect_exact(queries, index, 20);
}

TEST(search_copies, answer_for_one_large_number_among_small_ones) {
  // A row's scale is that of its largest number: the others are lost in the residual.
  Set index = clustered_set("i", 500, 40, 12);
  change(index, [at = size_t{0}](size_t, float value) mutable {
    return at++ % 40 == 7 ? value * 1e4F : value;
  });
  Set queries = clustered_set("q", 9, 40, 13);
  change(queries, [at = size_t{0}](size_t, float value) mutable {
    return at++ % 40 == 7 ? value * 1e-4F : value;
  });
  expect_exact(queries, index, 30);
}

TEST(search_copies, answer_for_any_number_of_queries_rows_and_dimensions) {
  for (const size_t dim : {1U, 2U, 63U, 64U, 65U})
    for (const size_t rows : {1U, 31U, 33U, 200U})
      for (const size_t count : {1U, 3U, 4U, 13U, 400U})
        expect_exact(clustered_set("q", count, dim, 14), clustered_set("i", rows, dim, 15), 5);
}

// Two blocks of queries, sampled first, in parts of several threads.
TEST(search_copies, answer_many_queries_of_many_rows) {
  expect_exact(clustered_set("q", 450, 70, 38), clustered_set("i", 70'001, 70, 39), 100);
}

TEST(search_copies, leave_out_the_query_itself_on_demand) {
  const Set set = clustered_set("i", 700, 12, 16);
  const QuantisedRows copies(set.rows(), 1);
  const SearchOptions options{.top = 5, .threads = 2, .exclude_self = true};
  expect_same(copies.search(set.rows(), options), search_exact(set.rows(), set.rows(), options));
}

TEST(search_copies, share_one_query_among_threads) {
  const Set index = clustered_set("i", 9000, 512, 17);
  const Set queries = clustered_set("q", 1, 512, 18);
  const QuantisedRows copies(index.rows(), 2);
  const auto exact = search_exact(queries.rows(), index.rows(), {.top = 100});
  for (const int threads : {1, 2, 5})
    expect_same(copies.search(queries.rows(), {.top = 100, .threads = threads}), exact);
}

TEST(search_copies, report_every_query_as_done_and_refuse_other_dimensions) {
  const Set set = clustered_set("i", 500, 8, 19);
  const QuantisedRows copies(set.rows(), 1);
  size_t done = 0;
  copies.search(set.rows(),
                {.top = 1, .threads = 1, .on_done = [&](size_t count) { done += count; }});
  EXPECT_EQ(done, 500U);
  const Set other = clustered_set("i", 5, 9, 20);
  EXPECT_THROW(copies.search(other.rows(), {}), Error);
  EXPECT_THROW(copies.search(set.rows(), {.top = 0}), Error);
}

TEST(Candidates, keep_few_of_many_and_all_that_may_be_hits) {
  Candidates candidates(10, 0.5, 0.1);
  Rng rng(21);
  std::vector<std::pair<float, uint32_t>> best;
  size_t added = 0;
  for (uint32_t row = 0; row < 100'000; ++row) {
    const auto middle = static_cast<float>(rng.uniform(-5000, 5000));
    best.emplace_back(middle, row);
    if (middle + 0.3F < candidates.limit()) continue;
    candidates.add({middle + 0.3F, middle - 0.3F, row});
    ++added;
  }
  std::sort(best.begin(), best.end(), std::greater<>());
  const std::vector<Candidate> kept = candidates.take();
  EXPECT_LT(added, 4000U);
  EXPECT_LT(kept.size(), 40U);
  for (size_t i = 0; i < 10; ++i)
    EXPECT_TRUE(std::ranges::any_of(
        kept, [&](const Candidate& candidate) { return candidate.row == best[i].second; }));
}

TEST(Candidates, know_whether_a_guess_held) {
  Candidates candidates(6, 1, 0);
  for (uint32_t row = 0; row < 10; ++row)
    candidates.add({static_cast<float>(row), static_cast<float>(row), row});
  EXPECT_TRUE(candidates.held(-1000));
  EXPECT_EQ(candidates.best(1)[0].row, 9U);
  EXPECT_LE(candidates.limit(), 4);
  candidates.assume(5, 5);
  EXPECT_LE(candidates.limit(), 5);
  EXPECT_TRUE(candidates.held(5));
  EXPECT_FALSE(candidates.held(4));
  EXPECT_EQ(candidates.take().size(), 5U);  // those that are known to be better count
}

// Nearly all that resembles the queries lies where the sample looks first: its guess is wrong, and
// the search must notice.
TEST(search_copies, answer_where_a_sample_of_the_rows_misleads) {
  const size_t rows = 70'000;
  Set index = random_set("i", rows, 8, 22);
  const Set queries = random_set("q", 14, 8, 23);
  for (size_t i = 0; i < rows; ++i) {
    if (i / 32 % 16 != 0 || i > 3 * 512) continue;
    for (size_t d = 0; d < 8; ++d)
      index.values[i * 8 + d] =
          queries.values[i % 13 * 8 + d] * (1 + 0.001F * static_cast<float>(i % 90));
  }
  expect_exact(queries, index, 100);
  expect_exact(queries, index, 1000);
}

// Rows of length 1: the first 2000 around 12 centres, others around others. `head`: how much larger
// numbers are in the first half.
Set landmarks(const std::string& prefix, size_t count, size_t dim, uint64_t seed, double head) {
  Rng rng(seed);
  Set set{{}, {}, dim};
  for (size_t i = 0; i < count; ++i) {
    Rng centre = Rng::for_stream(7, i < 2000 ? i % 12 : 12 + rng.below(1000));
    double squares = 0;
    for (size_t d = 0; d < dim; ++d) {
      const double value = (centre.normal() + 0.4 * rng.normal()) * (d < dim / 2 ? head : 1);
      set.values.push_back(static_cast<float>(value));
      squares += value * value;
    }
    for (size_t d = 0; d < dim; ++d)
      set.values[i * dim + d] /= static_cast<float>(std::sqrt(squares));
    set.ids.push_back(prefix + std::to_string(rng.below(1000)) + "-" + std::to_string(i));
  }
  return set;
}

// For what share of panels and queries products were given up, of a search that must be exact: in
// vectors, for tile registers multiply all.
double share_given_up(const Set& queries, const Set& index, size_t top) {
  const QuantisedRows copies(index.rows(), 2);
  std::atomic<uint64_t> looked_at = 0;
  std::atomic<uint64_t> given_up = 0;
  const SearchOptions options{.top = top, .threads = 1};
  const auto exact = search_exact(queries.rows(), index.rows(), options);
  expect_same(copies.search(queries.rows(), options), exact);
  const ScanOptions counted{
      .looked_at = &looked_at, .given_up = &given_up, .tile_registers = false};
  expect_same(copies.search(queries.rows(), options, counted), exact);
  return static_cast<double>(given_up) / static_cast<double>(looked_at);
}

TEST(search_copies, give_up_panels_of_rows_that_are_unlike_the_queries) {
  with_any_instructions([] {
    for (const size_t dim : {128U, 200U}) {
      const Set index = landmarks("i", 8000, dim, 24, 2);
      const Set queries = landmarks("q", 24, dim, 25, 2);
      EXPECT_GT(share_given_up(queries, index, 3), 0.4);
    }
  });
}

// Scores that are known: that of the worst hit at the most.
void expect_exact_with_floors(const Set& queries, const Set& index, size_t top) {
  const QuantisedRows copies(index.rows(), 2);
  SearchOptions options{.top = top, .threads = 2};
  const auto exact = search_exact(queries.rows(), index.rows(), options);
  for (const float below : {0.0F, 0.01F, 2.0F}) {
    std::vector<float> floors;
    for (const auto& hits : exact) floors.push_back(hits.back().score - below);
    options.floors = floors;
    with_any_instructions([&] { expect_same(copies.search(queries.rows(), options), exact); });
  }
}

TEST(search_copies, answer_alike_where_scores_of_hits_are_known) {
  expect_exact_with_floors(clustered_set("q", 40, 33, 32), clustered_set("i", 900, 33, 33), 20);
  // So many that a sample of them comes first.
  expect_exact_with_floors(random_set("q", 14, 8, 34), random_set("i", 70'000, 8, 35), 100);
}

TEST(search_copies, give_up_more_where_scores_of_hits_are_known) {
  const Set queries = landmarks("q", 24, 128, 36, 2);
  Set index = landmarks("i", 8000, 128, 37, 2);
  std::ranges::reverse(index.values);  // what resembles the queries comes last
  for (size_t i = 0; i < 8000; ++i)
    std::reverse(&index.values[i * 128], &index.values[i * 128] + 128);
  const QuantisedRows copies(index.rows(), 2);
  SearchOptions options{.top = 3, .threads = 1};
  std::vector<float> floors;
  std::atomic<uint64_t> without = 0;
  std::atomic<uint64_t> with = 0;
  const auto counted = [](std::atomic<uint64_t>& given_up) {
    return ScanOptions{.given_up = &given_up, .tile_registers = false};
  };
  for (const auto& hits : copies.search(queries.rows(), options, counted(without)))
    floors.push_back(hits.back().score);
  options.floors = floors;
  copies.search(queries.rows(), options, counted(with));
  EXPECT_GT(with, 2 * without);
}

TEST(search_copies, hardly_ask_where_nothing_can_be_given_up) {
  const Set index = random_set("i", 8000, 64, 26);
  EXPECT_LT(share_given_up(random_set("q", 24, 64, 27), index, 300), 0.01);
  // Here each time that it asks counts: most queries of the tile are not there.
  EXPECT_LT(share_given_up(random_set("q", 3, 64, 27), index, 300), 0.1);
}

// Panels are given up all along, and then rows come that owe everything to the last dimensions.
TEST(search_copies, find_hits_whose_first_dimensions_speak_against_them) {
  with_any_instructions([] {
    const size_t dim = 128;
    Set index = landmarks("i", 8000, dim, 28, 2);
    const Set queries = landmarks("q", 24, dim, 29, 2);
    for (size_t i = 6000; i < 8000; i += 29)
      for (size_t d = 0; d < dim; ++d)
        index.values[i * dim + d] =
            queries.values[i % 24 * dim + d] * (d < dim * 5 / 8 ? -0.01F : 9.0F);
    EXPECT_GT(share_given_up(queries, index, 3), 0.2);
  });
}

TEST(search_copies, answer_for_rows_of_any_length_when_panels_are_given_up) {
  for (const size_t dim : {65U, 130U}) {
    Set index = landmarks("i", 8000, dim, 30, 3);
    change(index, [](size_t row, float value) {
      return value * (row % 7 == 0 ? 0 : std::pow(10.0F, static_cast<float>(row % 5) - 2));
    });
    Set queries = landmarks("q", 24, dim, 31, 3);
    change(queries, [](size_t row, float value) {
      return row % 6 == 0 ? 0 : row % 6 == 1 ? -value : value * static_cast<float>(row);
    });
    share_given_up(queries, index, 3);
  }
}

}  // namespace
}  // namespace cairn::search
