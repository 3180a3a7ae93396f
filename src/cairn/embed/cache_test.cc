#include "cairn/embed/cache.h"

#include <gtest/gtest.h>

#include <thread>

#include "cairn/base/testing/testing.h"
#include "cairn/embed/photo_list.h"
#include "cairn/embed/pipeline.h"
#include "cairn/embed/testing/fixtures.h"

namespace cairn::embed {
namespace {

using cairn::testing::TempDir;
using testing::parse;
using testing::tiny_network;
using testing::write_photos;

constexpr uint64_t kPlenty = uint64_t{1} << 30;

Sha256Digest digest_of(int number) {
  const std::string text = std::to_string(number);
  return sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

std::vector<float> row_of(int number) {
  return {static_cast<float>(number), 1.0f, -static_cast<float>(number)};
}

fs::path only_file(const fs::path& folder, const std::string& ending) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ending) return entry.path();
  }
  return {};
}

size_t count_found(const fs::path& folder, int entries, size_t* damaged = nullptr) {
  EmbeddingCache cache(folder, "settings", 3, kPlenty);
  size_t found = 0;
  for (int i = 0; i < entries; ++i) {
    std::vector<float> row;
    if (!cache.find(digest_of(i), row)) continue;
    EXPECT_EQ(row, row_of(i));
    ++found;
  }
  if (damaged) *damaged = cache.damaged();
  return found;
}

void fill(const fs::path& folder, int first, int count) {
  EmbeddingCache cache(folder, "settings", 3, kPlenty);
  for (int i = first; i < first + count; ++i) cache.add(digest_of(i), row_of(i));
}

TEST(EmbeddingCache, finds_what_earlier_processes_added_under_the_same_settings) {
  TempDir folder;
  fill(folder.path(), 0, 10);
  fill(folder.path(), 10, 5);
  EXPECT_EQ(count_found(folder.path(), 20), 15u);
  EmbeddingCache other(folder.path(), "other settings", 3, kPlenty);
  EXPECT_EQ(other.size(), 0u);
}

TEST(EmbeddingCache, two_at_once_do_not_disturb_each_other) {
  TempDir folder;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] { fill(folder.path(), t * 50, 100); });  // they overlap
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count_found(folder.path(), 250), 250u);
}

TEST(EmbeddingCache, a_damaged_entry_is_none_and_is_counted) {
  TempDir folder;
  fill(folder.path(), 0, 10);
  const fs::path rows = only_file(folder.path(), ".rows");
  std::vector<uint8_t> bytes = read_file(rows);
  bytes[4 * 12 + 5] ^= 1;
  write_file_atomically(rows, bytes);
  size_t damaged = 0;
  EXPECT_EQ(count_found(folder.path(), 10, &damaged), 9u);
  EXPECT_EQ(damaged, 1u);
}

TEST(EmbeddingCache, files_cut_anywhere_lose_their_last_entries_alone) {
  TempDir folder;
  fill(folder.path(), 0, 10);
  const fs::path rows = only_file(folder.path(), ".rows");
  const fs::path keys = only_file(folder.path(), ".keys");
  fs::resize_file(keys, fs::file_size(keys) - 1);
  EXPECT_EQ(count_found(folder.path(), 10), 9u);
  fs::resize_file(rows, fs::file_size(rows) / 2 + 3);
  EXPECT_EQ(count_found(folder.path(), 10), 5u);
  fs::remove(rows);
  EXPECT_EQ(count_found(folder.path(), 10), 0u);
}

TEST(EmbeddingCache, stays_below_its_limit_by_dropping_what_is_oldest) {
  TempDir folder;
  constexpr uint64_t kLimit = 52 * 1000;  // an entry takes 52 bytes
  {
    EmbeddingCache cache(folder.path(), "settings", 3, kLimit);
    for (int i = 0; i < 3000; ++i) cache.add(digest_of(i), row_of(i));
  }
  EmbeddingCache cache(folder.path(), "settings", 3, kLimit);
  EXPECT_LE(cache.size(), 1000u);
  EXPECT_GE(cache.size(), 800u);
  std::vector<float> row;
  EXPECT_TRUE(cache.find(digest_of(2999), row));
}

TEST(EmbeddingCache, a_segment_that_is_dropped_meanwhile_is_no_error) {
  TempDir folder;
  fill(folder.path(), 0, 10);
  EmbeddingCache cache(folder.path(), "settings", 3, kPlenty);
  fs::remove(only_file(folder.path(), ".rows"));
  std::vector<float> row;
  EXPECT_FALSE(cache.find(digest_of(1), row));
  EXPECT_EQ(cache.damaged(), 0u);
}

class CachedRun : public ::testing::Test {
 protected:
  EmbedSummary embed(const std::string& list, const std::string& out, bool cached,
                     int size = 32) const {
    EmbedderOptions options;
    options.size = size;
    options.mean = {127.5f};
    options.std = {127.5f};
    options.output = "embedding";
    EmbedRun run;
    run.out = folder_ / out;
    run.threads = 2;
    if (cached) run.cache = folder_ / "cache";
    return embed_photos(read_photo_list(folder_ / list, ""),
                        Embedder(parse(tiny_network()), options), run);
  }

  TempDir folder_;
};

TEST_F(CachedRun, lists_that_share_photos_share_their_embeddings_and_stay_the_same_bytes) {
  write_photos(folder_ / "a", 12);
  write_photos(folder_ / "b", 20);  // the first twelve again
  write_text_atomically(folder_ / "b/broken.jpg", "broken");
  EXPECT_EQ(embed("a", "a_out", true).cached, 0u);
  EXPECT_EQ(embed("b", "plain", false).cached, 0u);
  EXPECT_EQ(embed("b", "cached", true).cached, 12u);
  EXPECT_EQ(embed("b", "again", true).cached, 20u);
  for (const char* file : {"embeddings.npy", "ids.txt", "meta.json", "skipped.csv"}) {
    EXPECT_EQ(read_file(folder_ / "plain" / file), read_file(folder_ / "cached" / file)) << file;
    EXPECT_EQ(read_file(folder_ / "plain" / file), read_file(folder_ / "again" / file)) << file;
  }
  EXPECT_EQ(embed("a", "larger", true, 48).cached, 0u);
}

TEST_F(CachedRun, a_photo_whose_content_changed_is_embedded_again) {
  write_photos(folder_ / "a", 3);
  embed("a", "first", true);
  fs::copy_file(folder_ / "a/photo_0001.jpg", folder_ / "a/photo_0000.jpg",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(embed("a", "second", true).cached, 3u);
  const EmbeddingSet set = load_embeddings(folder_ / "second");
  EXPECT_EQ(std::vector<float>(set.row(0), set.row(1)), std::vector<float>(set.row(1), set.row(2)));
}

}  // namespace
}  // namespace cairn::embed
