#include <gtest/gtest.h>

#include "cairn/base/files.h"
#include "cairn/search/quantised_rows.h"
#include "cairn/search/testing/same_hits.h"
#include "cairn/search/testing/sets.h"

namespace cairn::search {
namespace {

TEST(search_copies,
     find_what_exact_search_finds_for_a_thousand_queries_in_a_hundred_thousand_rows) {
  const testing::Set index = testing::clustered_set("i", 100'000, 96, 1);
  const testing::Set queries = testing::clustered_set("q", 1000, 96, 2);
  const SearchOptions options{.top = 100, .threads = 2};
  testing::expect_same(QuantisedRows(index.rows(), 2).search(queries.rows(), options),
                       search_exact(queries.rows(), index.rows(), options));
}

}  // namespace
}  // namespace cairn::search
