// Lists that must be equal.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "cairn/search/exact_search.h"

namespace cairn::search::testing {

inline void expect_same(const std::vector<std::vector<Hit>>& found,
                        const std::vector<std::vector<Hit>>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t q = 0; q < found.size(); ++q) {
    ASSERT_EQ(found[q].size(), expected[q].size()) << "query " << q;
    for (size_t rank = 0; rank < found[q].size(); ++rank) {
      ASSERT_EQ(found[q][rank].row, expected[q][rank].row) << "query " << q << " rank " << rank;
      ASSERT_EQ(found[q][rank].score, expected[q][rank].score) << "query " << q << " rank " << rank;
    }
  }
}

}  // namespace cairn::search::testing
