#include "cairn/search/quantised_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "cairn/base/random.h"
#include "cairn/search/dot.h"
#include "cairn/search/exact_index.h"
#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/testing/same_hits.h"
#include "cairn/search/testing/sets.h"

namespace cairn::search {
namespace {

using testing::clustered_set;
using testing::expect_same;
using testing::Set;

TEST(QuantisedRows, find_what_exact_search_finds) {
  for (const size_t dim : {1U, 3U, 64U, 257U}) {
    const Set index = clustered_set("i", 1003, dim, 1);
    const Set queries = clustered_set("q", 61, dim, 2);
    const QuantisedRows quantised(index.rows(), 2);
    for (const size_t top : {1U, 30U, 2000U}) {
      for (const int threads : {1, 3}) {
        SearchOptions options;
        options.top = top;
        options.threads = threads;
        const auto exact = search_exact(queries.rows(), index.rows(), options);
        expect_same(quantised.search(queries.rows(), options), exact);
        expect_same(quantised.search(queries.rows(), options, {.plain = true}), exact);
      }
    }
  }
}

TEST(QuantisedRows, pass_over_most_rows) {
  // Were the bound too careful to pass over anything, the search would be right, and slow.
  using namespace kernels;
  const size_t groups = 128;
  Rng rng(3);
  std::vector<uint8_t> rows(groups * kPanelRows * kGroup);
  for (uint8_t& value : rows) value = static_cast<uint8_t>(1 + rng.below(255));
  std::vector<int8_t> queries(groups * kTileQueries * kGroup);
  for (int8_t& value : queries) value = static_cast<int8_t>(static_cast<int>(rng.below(255)) - 127);
  std::vector<int32_t> offsets(kTileQueries, 0);
  for (size_t i = 0; i < queries.size(); ++i)
    offsets[i / kGroup % kTileQueries] -= 128 * queries[i];
  const std::vector<float> scales(kPanelRows, 0.5F);
  const std::vector<float> residuals(kPanelRows, 1);
  const std::vector<float> lengths(kTileQueries, 10);
  const std::vector<float> limits(kTileQueries, 60000);
  alignas(64) static uint8_t aligned[128 * kPanelRows * kGroup];
  std::copy(rows.begin(), rows.end(), aligned);
  const Panel panel{aligned, scales.data(), residuals.data(), nullptr, aligned};
  const Tile tile{kTileQueries,  queries.data(), offsets.data(), lengths.data(),
                  limits.data(), groups,         nullptr,        nullptr};
  Promising fast;
  Promising plain;
  promising_rows(panel, tile, groups, fast);
  promising_rows_plain(panel, tile, groups, plain);
  size_t promising = 0;
  for (size_t q = 0; q < kTileQueries; ++q) {
    EXPECT_EQ(fast.mask(q), plain.mask(q));
    promising += static_cast<size_t>(std::popcount(fast.mask(q)));
  }
  EXPECT_GT(promising, 0U);
  EXPECT_LT(promising, kTileQueries * kPanelRows / 4);
}

TEST(ExactIndex, answers_as_exact_search_with_and_without_copies) {
  const Set index = clustered_set("i", 9000, 16, 4);
  const ExactIndex exact(index.rows(), 2);
  for (const size_t count : {5U, 200U}) {
    const Set queries = clustered_set("q", count, 16, 5);
    SearchOptions options;
    options.top = 7;
    options.threads = 2;
    expect_same(exact.search(queries.rows(), options),
                search_exact(queries.rows(), index.rows(), options));
  }
}

TEST(dot, does_not_depend_on_the_instructions) {
  const Set set = clustered_set("s", 2, 77, 6);
  double sums[8] = {};
  for (size_t d = 0; d < set.dim; ++d)
    sums[d % 8] += static_cast<double>(set.values[d]) * set.values[77 + d];
  EXPECT_EQ(
      dot(set.rows().row(0), set.rows().row(1), set.dim),
      ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])));
}

TEST(dot, is_the_same_for_many_rows_together) {
  for (const size_t dim : {1U, 8U, 77U}) {
    const Set set = clustered_set("s", 20, dim, 7);
    std::vector<const float*> rows;
    for (size_t i = 0; i < 20; ++i) rows.push_back(set.rows().row(i));
    std::vector<double> products(20);
    dots(rows[3], rows.data(), 20, dim, products.data());
    for (size_t i = 0; i < 20; ++i) EXPECT_EQ(products[i], dot(rows[3], rows[i], dim)) << i;
  }
}

}  // namespace
}  // namespace cairn::search
