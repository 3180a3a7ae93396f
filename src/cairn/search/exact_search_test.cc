#include "cairn/search/exact_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/search/dot.h"
#include "cairn/search/testing/same_hits.h"
#include "cairn/search/testing/sets.h"

namespace cairn::search {
namespace {

using testing::expect_same;
using testing::random_set;
using testing::Set;

// What search_exact promises, without blocks, threads or matrix products.
std::vector<std::vector<Hit>> reference(const Rows& queries, const Rows& index, size_t top,
                                        bool exclude_self = false) {
  std::vector<std::vector<Hit>> results;
  for (size_t q = 0; q < queries.count(); ++q) {
    std::vector<Hit> hits;
    for (size_t i = 0; i < index.count(); ++i) {
      if (exclude_self && index.ids[i] == queries.ids[q]) continue;
      hits.push_back({i, static_cast<float>(dot(queries.row(q), index.row(i), index.dim))});
    }
    std::sort(hits.begin(), hits.end(), [&](const Hit& a, const Hit& b) {
      return a.score != b.score ? a.score > b.score : index.ids[a.row] < index.ids[b.row];
    });
    hits.resize(std::min(top, hits.size()));
    results.push_back(hits);
  }
  return results;
}

TEST(exact_search, finds_what_a_plain_scan_finds_for_any_number_of_threads) {
  const Set queries = random_set("q", 131, 37, 1);  // no size a multiple of a block
  const Set index = random_set("i", 9001, 37, 2);
  const auto expected = reference(queries.rows(), index.rows(), 10);
  for (const int threads : {1, 2, 3, 7}) {
    expect_same(search_exact(queries.rows(), index.rows(), {.top = 10, .threads = threads}),
                expected);
  }
}

TEST(exact_search, shares_one_query_among_threads) {
  const Set queries = random_set("q", 1, 16, 3);
  const Set index = random_set("i", 20000, 16, 4);
  expect_same(search_exact(queries.rows(), index.rows(), {.top = 100, .threads = 2}),
              reference(queries.rows(), index.rows(), 100));
}

TEST(exact_search, breaks_ties_by_id) {
  const Set queries = random_set("q", 3, 24, 5);
  Set index = random_set("i", 3000, 24, 6);
  for (size_t i = 24; i < index.values.size(); ++i) index.values[i] = index.values[i % 24];
  expect_same(search_exact(queries.rows(), index.rows(), {.top = 50, .threads = 2}),
              reference(queries.rows(), index.rows(), 50));
}

// Rows that differ by less than a float32 sum can tell still come in their true order.
TEST(exact_search, orders_rows_closer_than_float_rounding) {
  const size_t dim = 512;
  const Set queries = random_set("q", 5, dim, 7);
  Set index = random_set("i", 2000, dim, 8);
  Rng rng(9);
  for (size_t i = dim; i < index.values.size(); ++i) {
    const float base = index.values[i % dim];
    index.values[i] = rng.chance(0.5) ? base : std::nextafter(base, 1.0F);
  }
  expect_same(search_exact(queries.rows(), index.rows(), {.top = 40, .threads = 2}),
              reference(queries.rows(), index.rows(), 40));
}

TEST(exact_search, leaves_out_the_query_itself_on_demand) {
  const Set set = random_set("i", 700, 12, 10);
  const auto hits = search_exact(set.rows(), set.rows(), {.top = 5, .exclude_self = true});
  expect_same(hits, reference(set.rows(), set.rows(), 5, true));
  EXPECT_EQ(search_exact(set.rows(), set.rows(), {.top = 5})[3][0].row, 3U);
  EXPECT_NE(hits[3][0].row, 3U);
}

TEST(exact_search, gives_fewer_hits_than_asked_where_the_index_is_small) {
  const Set queries = random_set("q", 2, 8, 11);
  const Set index = random_set("i", 3, 8, 12);
  const auto hits = search_exact(queries.rows(), index.rows(), {.top = 100});
  expect_same(hits, reference(queries.rows(), index.rows(), 100));
  EXPECT_EQ(hits[0].size(), 3U);
}

TEST(exact_search, handles_rows_of_any_length) {
  Set queries = random_set("q", 9, 19, 13);
  Set index = random_set("i", 1500, 19, 14);
  for (size_t i = 0; i < index.values.size(); ++i) {
    index.values[i] *= static_cast<float>(i / 19 % 7) * 100.0F;
  }
  expect_same(search_exact(queries.rows(), index.rows(), {.top = 20, .threads = 2}),
              reference(queries.rows(), index.rows(), 20));
}

TEST(exact_search, reports_every_query_as_done) {
  const Set queries = random_set("q", 300, 8, 15);
  const Set index = random_set("i", 100, 8, 16);
  std::atomic<size_t> done = 0;
  search_exact(queries.rows(), index.rows(),
               {.top = 1, .threads = 2, .on_done = [&](size_t count) { done += count; }});
  EXPECT_EQ(done, 300U);
}

TEST(exact_search, answers_empty_sets_and_refuses_other_dimensions) {
  const Set queries = random_set("q", 2, 8, 17);
  const Set other = random_set("i", 2, 9, 18);
  const Set none;
  EXPECT_EQ(search_exact(queries.rows(), none.rows(), {}).size(), 2U);
  EXPECT_TRUE(search_exact(none.rows(), queries.rows(), {}).empty());
  EXPECT_THROW(search_exact(queries.rows(), other.rows(), {}), Error);
  EXPECT_THROW(search_exact(queries.rows(), queries.rows(), {.top = 0}), Error);
}

}  // namespace
}  // namespace cairn::search
