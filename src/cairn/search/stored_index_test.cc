#include "cairn/search/stored_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>

#include "cairn/base/files.h"
#include "cairn/base/npy.h"
#include "cairn/base/testing/errors.h"
#include "cairn/base/testing/testing.h"
#include "cairn/search/stored_index_format.h"
#include "cairn/search/testing/folders.h"
#include "cairn/search/testing/same_hits.h"

namespace cairn::search {
namespace {

using cairn::testing::error_of;
using cairn::testing::TempDir;
using testing::clustered_set;
using testing::expect_same;
using testing::Set;
using testing::write_set;

Set indexed_set(const fs::path& folder, size_t rows = 1003, size_t dim = 20) {
  Set set = clustered_set("i", rows, dim, 1);
  write_set(set, folder);
  write_stored_index(folder, 2);
  return set;
}

std::unique_ptr<const StoredIndex> opened(const fs::path& folder) {
  auto result = StoredIndex::open(folder);
  return std::move(result).value_or_throw(folder.string());
}

TEST(StoredIndex, finds_what_exact_search_finds) {
  const TempDir folder;
  for (const size_t dim : {1U, 3U, 64U, 257U}) {
    const Set set = indexed_set(folder.path(), 1003, dim);
    const auto index = opened(folder.path());
    EXPECT_EQ(index->size(), 1003U);
    EXPECT_EQ(index->dim(), dim);
    for (size_t i = 0; i < set.ids.size(); ++i) ASSERT_EQ(index->id(i), set.ids[i]);
    index->check();
    const Set queries = clustered_set("q", 17, dim, 2);
    for (const size_t top : {1U, 30U, 2000U}) {
      const SearchOptions options{.top = top, .threads = 2};
      expect_same(index->search(queries.rows(), options),
                  search_exact(queries.rows(), set.rows(), options));
    }
    const SearchOptions options{.top = 4, .threads = 1, .exclude_self = true};
    const auto exact = search_exact(set.rows(), set.rows(), options);
    expect_same(index->search(set.rows(), options), exact);
    const auto read_by_row = StoredIndex::open(folder.path(), 0);
    expect_same(read_by_row.value()->search(set.rows(), options), exact);
  }
}

TEST(StoredIndex, holds_no_rows_or_more_than_a_block) {
  const TempDir folder;
  write_set({{}, {}, 5}, folder / "none");
  write_stored_index(folder / "none", 1);
  const Set queries = clustered_set("q", 2, 5, 3);
  EXPECT_TRUE(opened(folder / "none")->search(queries.rows(), {})[1].empty());
  const Set set = indexed_set(folder / "many", 9001, 300);
  const Set more = clustered_set("q", 2, 300, 4);
  expect_same(opened(folder / "many")->search(more.rows(), {.top = 9}),
              search_exact(more.rows(), set.rows(), {.top = 9}));
}

TEST(StoredIndex, reads_ids_as_other_programs_write_them) {
  const TempDir folder;
  const Set set = clustered_set("i", 5, 4, 5);
  write_set(set, folder.path(), "\r\n");
  write_stored_index(folder.path(), 1);
  EXPECT_EQ(opened(folder.path())->id(4), set.ids[4]);
  write_text_atomically(folder / "ids.txt", "a\nb\nc\nd\ne");
  write_stored_index(folder.path(), 1);
  EXPECT_EQ(opened(folder.path())->id(4), "e");
}

TEST(StoredIndex, is_passed_over_when_the_embeddings_change) {
  const TempDir folder;
  EXPECT_FALSE(StoredIndex::open(folder.path()).ok());
  Set set = indexed_set(folder.path());
  set.values[77] += 0.01F;
  write_set(set, folder.path());
  auto result = StoredIndex::open(folder.path());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.reason(), "embeddings.npy has changed since it was made");
  write_stored_index(folder.path(), 1);
  set.ids[5][0] = 'j';
  write_set(set, folder.path());
  result = StoredIndex::open(folder.path());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.reason(), "ids.txt has changed since it was made");
  write_set(clustered_set("i", 40, 20, 6), folder.path());
  EXPECT_FALSE(StoredIndex::open(folder.path()).ok());
}

TEST(StoredIndex, stays_with_the_embeddings_that_are_copied) {
  const TempDir folder;
  indexed_set(folder / "set");
  for (const char* name : {"embeddings.npy", "ids.txt"})
    fs::last_write_time(folder / "set" / name,
                        fs::file_time_type::clock::now() - std::chrono::hours(5));
  EXPECT_TRUE(StoredIndex::open(folder / "set").ok());
}

// Same size, same time of change: only a whole check can tell.
TEST(StoredIndex, a_check_finds_other_embeddings_that_look_the_same) {
  for (const char* changed : {"embeddings.npy", "ids.txt"}) {
    const TempDir folder;
    Set set = indexed_set(folder.path());
    if (std::string(changed) == "ids.txt")
      set.ids[5][0] = 'j';
    else
      set.values[77] += 0.01F;
    std::map<fs::path, fs::file_time_type> times;
    for (const char* name : {"embeddings.npy", "ids.txt"})
      times[folder / name] = fs::last_write_time(folder / name);
    write_set(set, folder.path());
    for (const auto& [file, time] : times) fs::last_write_time(file, time);
    EXPECT_EQ(error_of([&] { opened(folder.path())->check(); }),
              (folder / kIndexFile).string() + ": made of another " + changed +
                  "; make it again with cairn index");
  }
}

// A changed byte anywhere is found before it is used.
TEST(StoredIndex, damage_is_found_wherever_it_is) {
  const TempDir folder;
  const Set set = indexed_set(folder.path(), 300, 12);
  const std::vector<uint8_t> sound = read_file(folder / kIndexFile);
  const stored::Sections sections(300, 12);
  ASSERT_EQ(sound.size(), stored::CheckedBlocks::end(sections.checksums));
  std::vector<size_t> places = {0,
                                8,
                                16,
                                24,
                                32,
                                40,
                                48,
                                56,
                                64,
                                120,
                                sections.values,
                                sections.numbers,
                                sections.lines,
                                sections.checksums,
                                stored::CheckedBlocks::end(sections.checksums) - 1};
  for (size_t at = sections.values; at < sound.size(); at += 997) places.push_back(at);
  for (const size_t at : places) {
    std::vector<uint8_t> bytes = sound;
    bytes[at] ^= 0x10;
    write_file_atomically(folder / kIndexFile, bytes);
    EXPECT_THROW(opened(folder.path())->search(set.rows(), {.top = 3}), Error) << at;
    EXPECT_THROW(opened(folder.path())->check(), Error) << at;
  }
}

TEST(StoredIndex, a_shorter_or_longer_file_is_refused) {
  const TempDir folder;
  indexed_set(folder.path(), 300, 12);
  const std::vector<uint8_t> sound = read_file(folder / kIndexFile);
  for (const size_t size : {size_t{1}, size_t{100}, size_t{4096}, sound.size() / 2,
                            sound.size() - 1, sound.size() + 1}) {
    std::vector<uint8_t> bytes = sound;
    bytes.resize(size);
    write_file_atomically(folder / kIndexFile, bytes);
    EXPECT_THROW(StoredIndex::open(folder.path()), Error) << size;
  }
  write_text_atomically(folder / kIndexFile, std::string(9000, 'x'));
  EXPECT_EQ(
      error_of([&] { StoredIndex::open(folder.path()); }),
      (folder / kIndexFile).string() + ": not a search index; make it again with cairn index");
}

TEST(StoredIndex, is_not_made_of_files_that_disagree) {
  const TempDir folder;
  const Set set = clustered_set("i", 5, 4, 5);
  write_set(set, folder.path());
  write_text_atomically(folder / "ids.txt", "a\nb\n");
  EXPECT_THROW(write_stored_index(folder.path(), 1), Error);
  EXPECT_FALSE(fs::exists(folder / kIndexFile));
  write_npy(folder / "embeddings.npy", std::array<int64_t, 1>{20}, set.values);
  EXPECT_THROW(write_stored_index(folder.path(), 1), Error);
}

}  // namespace
}  // namespace cairn::search
