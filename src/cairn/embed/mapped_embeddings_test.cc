#include "cairn/embed/mapped_embeddings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "cairn/base/error.h"
#include "cairn/base/npy.h"
#include "cairn/base/testing/testing.h"

namespace cairn::embed {
namespace {

TEST(MappedEmbeddings, are_the_loaded_set) {
  const testing::TempDir folder;
  const EmbeddingSet set = {3, {1, 0, 0, 0, 0.6F, 0.8F}, {"a", "b"}, R"({"output": "e"})"};
  save_embeddings(set, folder / "set");
  const MappedEmbeddings mapped = map_embeddings(folder / "set");
  EXPECT_EQ(mapped.dim, set.dim);
  EXPECT_TRUE(std::ranges::equal(mapped.values, set.values));
  EXPECT_EQ(mapped.ids, set.ids);
  EXPECT_EQ(mapped.meta, set.meta);
  save_embeddings({5, {}, {}, "{}"}, folder / "empty");
  EXPECT_EQ(map_embeddings(folder / "empty").dim, 5U);
}

TEST(MappedEmbeddings, rows_of_another_length_are_refused) {
  const testing::TempDir folder;
  save_embeddings({2, {1, 0, 0, 1}, {"a", "b"}, "{}"}, folder / "set");
  write_npy(folder / "set/embeddings.npy", std::array<int64_t, 2>{2, 2},
            std::array<float, 4>{1, 0, 0, 2});
  EXPECT_THROW(map_embeddings(folder / "set"), Error);
}

}  // namespace
}  // namespace cairn::embed
