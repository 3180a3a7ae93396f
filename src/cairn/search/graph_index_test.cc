#include "cairn/search/graph_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "cairn/base/testing/testing.h"
#include "cairn/search/graph_format.h"
#include "cairn/search/testing/folders.h"
#include "cairn/search/testing/reseal.h"

namespace cairn::search {
namespace {

using cairn::testing::TempDir;
using testing::random_set;
using testing::Set;
using testing::write_set;

constexpr size_t kEf = 200;

Set graph_set(const fs::path& folder, const GraphOptions& options, size_t rows = 1000,
              size_t dim = 24) {
  Set set = random_set("i", rows, dim, 1);
  write_set(set, folder);
  write_graph_index(folder, options);
  return set;
}

std::unique_ptr<const GraphIndex> opened(const fs::path& folder) {
  auto result = GraphIndex::open(folder);
  return std::move(result).value_or_throw(folder.string());
}

// The share of exact hits that are found, every one with its exact score.
double recall(const GraphIndex& index, const Set& set, const Set& queries, size_t top) {
  const SearchOptions options{.top = top, .threads = 2};
  const auto found = index.search(queries.rows(), options, kEf);
  const auto expected = search_exact(queries.rows(), set.rows(), options);
  size_t hits = 0;
  for (size_t q = 0; q < expected.size(); ++q) {
    EXPECT_EQ(found[q].size(), top);
    for (const Hit& hit : expected[q])
      hits += static_cast<size_t>(std::ranges::count_if(found[q], [&](const Hit& other) {
        return other.row == hit.row && other.score == hit.score;
      }));
  }
  return static_cast<double>(hits) / static_cast<double>(expected.size() * top);
}

TEST(GraphIndex, finds_nearly_what_exact_search_finds_with_any_store) {
  const TempDir folder;
  const Set queries = random_set("q", 100, 24, 2);
  for (const Store store : {Store::kInt8, Store::kBfloat16, Store::kFloat32}) {
    const Set set = graph_set(folder.path(), {.store = store, .threads = 2});
    const auto index = opened(folder.path());
    EXPECT_EQ(index->size(), 1000U);
    EXPECT_EQ(index->dim(), 24U);
    EXPECT_EQ(index->id(77), set.ids[77]);
    index->check();
    EXPECT_GT(recall(*index, set, queries, 10), 0.99);
  }
}

TEST(GraphIndex, finds_everything_in_few_rows_of_any_dimension) {
  const TempDir folder;
  for (const size_t dim : {1U, 3U, 65U, 300U}) {
    const Set set = graph_set(folder.path(), {.m = 8, .threads = 1}, 30, dim);
    EXPECT_EQ(recall(*opened(folder.path()), set, random_set("q", 9, dim, 3), 5), 1.0);
  }
  write_set({{}, {}, 5}, folder / "none");
  write_graph_index(folder / "none", {});
  EXPECT_TRUE(opened(folder / "none")->search(random_set("q", 2, 5, 3).rows(), {}, 10)[1].empty());
}

TEST(GraphIndex, leaves_out_the_query_itself) {
  const TempDir folder;
  const Set set = graph_set(folder.path(), {}, 500);
  const auto lists =
      opened(folder.path())->search(set.rows(), {.top = 3, .exclude_self = true}, 50);
  for (size_t q = 0; q < lists.size(); ++q) {
    ASSERT_EQ(lists[q].size(), 3U);
    for (const Hit& hit : lists[q]) ASSERT_NE(hit.row, q);
  }
}

TEST(GraphIndex, is_the_same_file_for_the_same_seed_with_one_thread) {
  const TempDir folder;
  const GraphOptions options{.seed = 5, .threads = 1};
  graph_set(folder.path(), options, 400);
  const std::vector<uint8_t> first = read_file(folder / kGraphFile);
  write_graph_index(folder.path(), options);
  EXPECT_EQ(read_file(folder / kGraphFile), first);
  write_graph_index(folder.path(), {.seed = 6, .threads = 1});
  EXPECT_NE(read_file(folder / kGraphFile), first);
  EXPECT_TRUE(opened(folder.path())->made_with({.seed = 6}));
  EXPECT_FALSE(opened(folder.path())->made_with({.m = 17, .seed = 6}));
}

TEST(GraphIndex, is_passed_over_when_the_embeddings_change) {
  const TempDir folder;
  EXPECT_EQ(GraphIndex::open(folder.path()).reason(), "there is none");
  Set set = graph_set(folder.path(), {}, 50);
  set.values[77] += 0.01F;
  write_set(set, folder.path());
  EXPECT_EQ(GraphIndex::open(folder.path()).reason(),
            "embeddings.npy has changed since it was made");
}

TEST(GraphIndex, damage_is_found_wherever_it_is) {
  const TempDir folder;
  const Set set = graph_set(folder.path(), {.m = 4}, 300, 12);
  const std::vector<uint8_t> sound = read_file(folder / kGraphFile);
  for (size_t at = 0; at < sound.size(); at += at < 264 ? 8 : 997) {
    if (at >= sizeof(graph::Header) && at < stored::kHeaderBytes) continue;  // padding
    std::vector<uint8_t> bytes = sound;
    bytes[at] ^= 0x10;
    write_file_atomically(folder / kGraphFile, bytes);
    EXPECT_THROW(opened(folder.path())->check(), Error) << at;
    EXPECT_THROW(opened(folder.path())->search(set.rows(), {.top = 3}, 9), Error) << at;
  }
  for (const size_t size : {size_t{0}, size_t{100}, sound.size() / 2, sound.size() + 8}) {
    std::vector<uint8_t> bytes = sound;
    bytes.resize(size);
    write_file_atomically(folder / kGraphFile, bytes);
    EXPECT_THROW(GraphIndex::open(folder.path()), Error) << size;
  }
}

// Numbers that point elsewhere, under checksums that are right.
TEST(GraphIndex, forged_links_are_found) {
  const TempDir folder;
  const Set set = graph_set(folder.path(), {.m = 4, .threads = 1}, 300, 12);
  const std::vector<uint8_t> sound = read_file(folder / kGraphFile);
  graph::Header header{};
  std::memcpy(&header, sound.data(), sizeof(header));
  const graph::Layout layout(header);
  ASSERT_GT(header.levels, 0U);
  const VectorStore store(Store::kInt8, 12);
  std::vector<uint64_t> places;
  // Of every node the number of links and the first link; of every place all but the links.
  for (uint64_t row = 0; row < 300; ++row)
    for (const uint64_t i : {0U, 1U})
      places.push_back(stored::kHeaderBytes + row * layout.node_bytes + store.bytes() + 4 * i);
  std::vector<uint8_t> bytes = sound;
  const auto forge = [&](uint64_t at, uint32_t number) {
    std::memcpy(bytes.data() + at, &number, sizeof(number));
  };
  for (const uint64_t at : places) forge(at, 300);
  testing::reseal<graph::Header>(bytes);
  write_file_atomically(folder / kGraphFile, bytes);
  EXPECT_THROW(opened(folder.path())->search(set.rows(), {.top = 3}, 9), Error);
  for (const uint64_t number : {0U, 1U, 2U, 3U}) {
    bytes = sound;
    for (uint64_t p = 0; p < header.places[0]; ++p)
      forge(layout.upper[0] + 4 * (p * layout.place_numbers + number), 300);
    testing::reseal<graph::Header>(bytes);
    write_file_atomically(folder / kGraphFile, bytes);
    EXPECT_THROW(opened(folder.path())->search(set.rows(), {.top = 3}, 9), Error) << number;
  }
}

TEST(GraphIndex, refuses_options_that_make_no_graph) {
  const TempDir folder;
  write_set(random_set("i", 5, 4, 1), folder.path());
  EXPECT_THROW(write_graph_index(folder.path(), {.m = 3}), Error);
  EXPECT_THROW(write_graph_index(folder.path(), {.ef_construction = 0}), Error);
  EXPECT_FALSE(fs::exists(folder / kGraphFile));
}

}  // namespace
}  // namespace cairn::search
