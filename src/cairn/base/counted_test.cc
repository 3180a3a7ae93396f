#include "cairn/base/counted.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(counted, one_is_singular_and_all_else_plural) {
  EXPECT_EQ(counted(0, "photo"), "0 photos");
  EXPECT_EQ(counted(1, "photo"), "1 photo");
  EXPECT_EQ(counted(2, "photo"), "2 photos");
  EXPECT_EQ(counted(1, "query", "queries"), "1 query");
  EXPECT_EQ(counted(12, "query", "queries"), "12 queries");
}

}  // namespace
}  // namespace cairn
