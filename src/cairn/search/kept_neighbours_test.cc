#include "cairn/search/kept_neighbours.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <numeric>

#include "cairn/base/checksum.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/search/neighbour_file.h"
#include "cairn/search/testing/sets.h"

namespace cairn::search {
namespace {

using cairn::testing::TempDir;
using testing::clustered_set;
using testing::Set;
using Lists = std::vector<std::vector<uint32_t>>;

// Asks for lists, and counts those that were searched for.
class Asker {
 public:
  explicit Asker(const Set& set) : set_(set), index_(set.rows(), 1) {}

  Lists lists(const fs::path& file, const std::vector<size_t>& which, size_t top) const {
    return kept_neighbours(file, set_.rows(), which, index_, {.top = top, .threads = 1});
  }
  Lists expected(const std::vector<size_t>& which, size_t top) const {
    return lists({}, which, top);
  }

 private:
  const Set& set_;
  ExactIndex index_;
};

std::vector<size_t> rows_to(size_t end) {
  std::vector<size_t> all(end);
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

size_t kept(const fs::path& file) {
  return NeighbourLists::read(file).value_or_throw(file.string()).count();
}

// Lists of the key and lengths of those in the file, which search would never find.
void put_marked_lists(const fs::path& file) {
  const NeighbourLists there = NeighbourLists::read(file).value_or_throw("file");
  NeighbourLists marked(there.key());
  for (size_t row = 0; row < there.key().from_rows; ++row) {
    if (there.find(row).empty()) continue;
    marked.append(row, std::vector<uint32_t>(there.find(row).size(), 7));
  }
  marked.write(file);
}

TEST(kept_neighbours, are_those_of_exact_search_in_the_order_they_are_asked_for) {
  const Set set = clustered_set("i", 300, 12, 1);
  const std::vector<size_t> which = {17, 3, 299, 3};
  const auto lists = Asker(set).expected(which, 8);
  for (size_t i = 0; i < which.size(); ++i) {
    const Rows one{set.rows().values.subspan(which[i] * 12, 12),
                   set.rows().ids.subspan(which[i], 1), 12};
    const auto hits = search_exact(one, set.rows(), {.top = 8});
    ASSERT_EQ(lists[i].size(), 8U);
    for (size_t rank = 0; rank < 8; ++rank) EXPECT_EQ(lists[i][rank], hits[0][rank].row);
  }
}

TEST(kept_neighbours, are_read_from_the_file_once_they_are_in_it) {
  const TempDir folder;
  const fs::path file = folder / kNeighboursFile;
  const Set set = clustered_set("i", 300, 12, 1);
  const Asker asker(set);
  EXPECT_EQ(asker.lists(file, {5, 9}, 8), asker.expected({5, 9}, 8));
  EXPECT_EQ(kept(file), 2U);
  EXPECT_EQ(asker.lists(file, {9, 4}, 8), asker.expected({9, 4}, 8));
  EXPECT_EQ(kept(file), 3U);
  put_marked_lists(file);
  EXPECT_EQ(asker.lists(file, {9, 5, 4}, 3), Lists(3, std::vector<uint32_t>(3, 7)));
}

TEST(kept_neighbours, longer_than_asked_for_are_used_and_shorter_ones_replaced) {
  const TempDir folder;
  const fs::path file = folder / kNeighboursFile;
  const Set set = clustered_set("i", 300, 12, 1);
  const Asker asker(set);
  asker.lists(file, rows_to(10), 8);
  EXPECT_EQ(asker.lists(file, {3, 20}, 5), asker.expected({3, 20}, 5));
  const auto length = [&](size_t row) {
    return NeighbourLists::read(file).value_or_throw("file").find(row).size();
  };
  EXPECT_EQ(length(3), 8U);
  EXPECT_EQ(length(20), 5U);
  EXPECT_EQ(asker.lists(file, {3}, 9), asker.expected({3}, 9));
  EXPECT_EQ(kept(file), 11U);
  EXPECT_EQ(length(3), 9U);
  EXPECT_EQ(asker.lists(file, {3}, 1000), asker.expected({3}, 1000));  // more than there are
  EXPECT_EQ(length(3), 300U);
  EXPECT_EQ(length(4), 8U);
  put_marked_lists(file);
  EXPECT_EQ(asker.lists(file, {3}, 1000), Lists(1, std::vector<uint32_t>(300, 7)));
}

// Floors go with the rows that they were given for, whichever of these are in the file.
TEST(kept_neighbours, are_the_same_where_their_scores_are_known) {
  const TempDir folder;
  const fs::path file = folder / kNeighboursFile;
  const Set set = clustered_set("i", 9000, 32, 4);  // so many that copies are searched
  const Asker asker(set);
  const ExactIndex index(set.rows(), 1);
  const std::vector<size_t> which = {8000, 17, 3, 4000, 3, 8999};
  asker.lists(file, {17, 5}, 8);
  std::vector<float> floors;
  for (const size_t row : which) {
    const Rows one{set.rows().values.subspan(row * 32, 32), set.rows().ids.subspan(row, 1), 32};
    floors.push_back(search_exact(one, set.rows(), {.top = 8})[0].back().score);
  }
  EXPECT_EQ(
      kept_neighbours(file, set.rows(), which, index, {.top = 8, .threads = 1, .floors = floors}),
      asker.expected(which, 8));
}

TEST(kept_neighbours, are_found_anew_when_embeddings_or_ids_change) {
  const TempDir folder;
  const fs::path file = folder / kNeighboursFile;
  Set set = clustered_set("i", 300, 12, 1);
  Asker(set).lists(file, rows_to(20), 8);
  put_marked_lists(file);
  set.values[100 * 12] += 0.001F;
  EXPECT_EQ(Asker(set).lists(file, rows_to(20), 8), Asker(set).expected(rows_to(20), 8));
  put_marked_lists(file);
  set.ids[299] += "x";
  EXPECT_EQ(Asker(set).lists(file, rows_to(20), 8), Asker(set).expected(rows_to(20), 8));
  put_marked_lists(file);
  set.ids.pop_back();
  set.values.resize(299 * 12);
  EXPECT_EQ(Asker(set).lists(file, rows_to(20), 8), Asker(set).expected(rows_to(20), 8));
}

TEST(kept_neighbours, of_one_set_in_another_belong_to_both) {
  const TempDir folder;
  const fs::path file = folder / kNearestFile;
  Set from = clustered_set("f", 40, 12, 2);
  Set index = clustered_set("i", 300, 12, 1);
  const auto lists = [&](const fs::path& path) {
    return kept_neighbours(path, from.rows(), rows_to(40), ExactIndex(index.rows(), 1), {.top = 1});
  };
  EXPECT_EQ(lists(file), lists({}));
  put_marked_lists(file);
  EXPECT_EQ(lists(file)[0][0], 7U);
  from.values[0] += 0.001F;
  EXPECT_EQ(lists(file), lists({}));
  put_marked_lists(file);
  index.values[0] += 0.001F;
  EXPECT_EQ(lists(file), lists({}));
}

TEST(kept_neighbours, damage_is_never_used_and_the_file_is_made_anew) {
  const TempDir folder;
  const fs::path file = folder / kNeighboursFile;
  const Set set = clustered_set("i", 60, 5, 3);
  const Asker asker(set);
  const auto expected = asker.lists(file, rows_to(3), 4);
  const std::vector<uint8_t> sound = read_file(file);
  for (size_t at = 0; at < sound.size(); ++at) {
    std::vector<uint8_t> bytes = sound;
    bytes[at] ^= 0x10;
    std::ofstream(file).write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    ASSERT_FALSE(NeighbourLists::read(file).ok()) << at;
  }
  for (const size_t size : {size_t{0}, size_t{50}, size_t{88}, sound.size() - 1}) {
    std::vector<uint8_t> bytes = sound;
    bytes.resize(size);
    write_file_atomically(file, bytes);
    ASSERT_FALSE(NeighbourLists::read(file).ok()) << size;
  }
  EXPECT_EQ(asker.lists(file, rows_to(3), 4), expected);
  EXPECT_EQ(read_file(file), sound);
}

// Sizes that only overflow makes fit.
TEST(kept_neighbours, a_file_that_claims_too_much_is_refused) {
  const TempDir folder;
  const fs::path file = folder / kNeighboursFile;
  NeighbourLists({uint64_t{1} << 62, uint64_t{1} << 62, 1, 0, 0}).write(file);
  EXPECT_TRUE(NeighbourLists::read(file).ok());  // no lists
  const std::vector<uint8_t> sound = read_file(file);
  for (const size_t at : {size_t{56}, size_t{64}}) {
    std::vector<uint8_t> bytes = sound;
    bytes[at + 7] = 0x40;  // 2^62 lists, or numbers in them
    const uint64_t sum = checksum(std::span(bytes).first(80));
    std::memcpy(&bytes[80], &sum, sizeof(sum));
    write_file_atomically(file, bytes);
    EXPECT_FALSE(NeighbourLists::read(file).ok()) << at;
  }
}

TEST(kept_neighbours, of_two_runs_at_once_are_right_in_both) {
  const TempDir folder;
  const fs::path file = folder / kNeighboursFile;
  const Set set = clustered_set("i", 300, 12, 1);
  const Asker asker(set);
  const auto expected = asker.expected(rows_to(300), 8);
  const auto rounds_are_right = [&](size_t run) {
    for (size_t round = 0; round < 20; ++round) {
      const std::vector<size_t> which = {run * 150 + round, 299 - round};
      const auto lists = asker.lists(file, which, 8);
      for (size_t i = 0; i < which.size(); ++i)
        if (lists[i] != expected[which[i]]) return false;
    }
    return true;
  };
  const pid_t other = ::fork();
  if (other == 0) ::_exit(rounds_are_right(1) ? 0 : 1);
  EXPECT_TRUE(rounds_are_right(0));
  int status = 1;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  EXPECT_GE(kept(file), 20U);
}

TEST(kept_neighbours, are_answered_where_the_file_cannot_be_written) {
  const TempDir folder;
  const Set set = clustered_set("i", 300, 12, 1);
  const Asker asker(set);
  const auto expected = asker.expected(rows_to(300), 8);
  EXPECT_EQ(asker.lists(folder / "nowhere" / kNeighboursFile, rows_to(300), 8), expected);
  // As a full disk: no file may have more than these bytes.
  const rlimit before = [] {
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    return limit;
  }();
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto lists = asker.lists(folder / kNeighboursFile, rows_to(300), 8);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(lists, expected);
  EXPECT_FALSE(fs::exists(folder / kNeighboursFile));
  EXPECT_EQ(asker.lists(folder / kNeighboursFile, rows_to(300), 8), expected);
  EXPECT_EQ(kept(folder / kNeighboursFile), 300U);
}

TEST(kept_neighbours, reports_all_lists_as_done) {
  const TempDir folder;
  const Set set = clustered_set("i", 300, 12, 1);
  const ExactIndex index(set.rows(), 1);
  for (const size_t count : {size_t{4}, size_t{9}}) {
    size_t done = 0;
    kept_neighbours(folder / kNeighboursFile, set.rows(), rows_to(count), index,
                    {.top = 3, .threads = 1, .on_done = [&](size_t more) { done += more; }});
    EXPECT_EQ(done, count);
  }
}

}  // namespace
}  // namespace cairn::search
