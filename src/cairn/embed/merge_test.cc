#include "cairn/embed/merge.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
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

constexpr const char* kModel = R"({"model_sha256": "aa", "size": 32, "scales": [1.0]})";

class Merge : public ::testing::Test {
 protected:
  static Embedder embedder(int size = 32) {
    EmbedderOptions options;
    options.size = size;
    options.mean = {127.5f};
    options.std = {127.5f};
    options.output = "embedding";
    return {parse(tiny_network()), options};
  }

  EmbedSummary embed(const std::string& out, Shard shard = {}, bool resume = false,
                     int stop_after = 1000, int size = 32) const {
    EmbedRun run;
    run.out = folder_ / out;
    run.threads = 1;
    run.chunk = 4;
    run.shard = shard;
    run.resume = resume;
    const auto left = std::make_shared<std::atomic<int>>(stop_after);
    run.stop = [left] { return (*left)-- <= 0; };
    return embed_photos(read_photo_list(folder_ / "in", ""), embedder(size), run);
  }

  // A folder with rows of two numbers; row i points in a direction of its own.
  void save(const std::string& name, const std::vector<std::string>& ids,
            const std::string& meta = kModel, const std::vector<Skipped>& skipped = {}) const {
    write_embedding_folder(folder_ / name, 2, ids, skipped, meta, [&](std::ostream& out) {
      for (const std::string& id : ids) {
        const std::array<float, 2> row = {id < "m" ? 1.0f : 0.0f, id < "m" ? 0.0f : 1.0f};
        out.write(reinterpret_cast<const char*>(row.data()), sizeof(row));
      }
    });
  }

  MergeSummary merge(const std::vector<std::string>& names, const std::string& out,
                     bool force = false) const {
    std::vector<fs::path> folders;
    for (const std::string& name : names) folders.push_back(folder_ / name);
    return merge_embeddings(folders, folder_ / out, force);
  }

  std::string error_of(const std::vector<std::string>& names,
                       const std::string& out = "out") const {
    try {
      merge(names, out);
    } catch (const Error& error) {
      EXPECT_FALSE(is_embedding_folder(folder_ / out));
      return error.what();
    }
    return "";
  }

  void expect_same(const std::string& a, const std::string& b) const {
    for (const char* name : {"embeddings.npy", "ids.txt", "meta.json", "skipped.csv"}) {
      EXPECT_EQ(read_file(folder_ / a / name), read_file(folder_ / b / name)) << name;
    }
  }

  TempDir folder_;
};

TEST_F(Merge, shards_become_the_bytes_of_one_run) {
  write_photos(folder_ / "in", 23);
  write_text_atomically(folder_ / "in/photo_0007x.jpg", "broken");
  embed("whole");
  for (size_t index = 0; index < 3; ++index) {
    const Shard shard{index, 3};
    EXPECT_EQ(embed("emb", shard).folder, folder_ / "emb" / shard.folder());
  }
  const MergeSummary summary = merge({"emb"}, "emb");
  EXPECT_EQ(summary.folders, 3u);
  EXPECT_EQ(summary.embedded, 23u);
  EXPECT_EQ(summary.skipped, 1u);
  expect_same("whole", "emb");
}

TEST_F(Merge, more_shards_than_photos_leave_some_empty) {
  write_photos(folder_ / "in", 2);
  embed("whole");
  for (size_t index = 0; index < 4; ++index) embed("emb", {index, 4});
  merge({"emb"}, "merged");
  expect_same("whole", "merged");
}

TEST_F(Merge, a_stopped_shard_is_refused_until_it_is_resumed) {
  write_photos(folder_ / "in", 20);
  embed("whole");
  embed("emb", {0, 2});
  EXPECT_THROW(embed("emb", {1, 2}, false, 6), Error);
  EXPECT_NE(error_of({"emb"}, "emb").find("shard-1-of-2: not a complete"), std::string::npos);
  EXPECT_EQ(embed("emb", {1, 2}, true).resumed, 4u);
  merge({"emb"}, "emb");
  expect_same("whole", "emb");
}

TEST_F(Merge, a_missing_shard_is_named) {
  write_photos(folder_ / "in", 9);
  embed("emb", {0, 3});
  embed("emb", {2, 3});
  EXPECT_NE(error_of({"emb"}, "emb").find("--shard 1/3 --resume"), std::string::npos);
}

TEST_F(Merge, shards_of_other_settings_are_refused) {
  write_photos(folder_ / "in", 6);
  embed("emb", {0, 2});
  embed("emb", {1, 2}, false, 1000, 48);
  EXPECT_NE(error_of({"emb"}, "emb").find("another size (32, here 48)"), std::string::npos);
}

TEST_F(Merge, folders_of_any_order_come_out_in_id_order) {
  save("a", {"z", "c", "x"}, kModel, {{"y", "broken, quite"}});
  save("b", {"d", "a"}, kModel, {{"b", "gone"}});
  EXPECT_EQ(merge({"a", "b"}, "ab").skipped, 2u);
  merge({"b", "a"}, "ba");
  expect_same("ab", "ba");
  const EmbeddingSet set = load_embeddings(folder_ / "ab");
  EXPECT_EQ(set.ids, (std::vector<std::string>{"a", "c", "d", "x", "z"}));
  EXPECT_EQ(set.values, (std::vector<float>{1, 0, 1, 0, 1, 0, 0, 1, 0, 1}));
  EXPECT_EQ(read_text(folder_ / "ab/skipped.csv"), "id,reason\nb,gone\ny,\"broken, quite\"\n");
}

TEST_F(Merge, another_model_setting_or_dimension_is_refused) {
  save("a", {"a"});
  save("model", {"b"}, R"({"model_sha256": "bb", "size": 32, "scales": [1.0]})");
  save("scales", {"b"}, R"({"model_sha256": "aa", "size": 32, "scales": [1.0, 2.0]})");
  save("more", {"b"}, R"({"model_sha256": "aa", "size": 32, "scales": [1.0], "precision": "i8"})");
  save("none", {"b"}, "{}");
  EXPECT_NE(error_of({"a", "model"}).find("another model_sha256"), std::string::npos);
  EXPECT_NE(error_of({"a", "scales"}).find("another scales"), std::string::npos);
  EXPECT_NE(error_of({"a", "more"}).find("another precision"), std::string::npos);
  EXPECT_NE(error_of({"a", "none"}).find("another model_sha256"), std::string::npos);
  EmbeddingSet three{3, {1, 0, 0}, {"b"}, kModel};
  save_embeddings(three, folder_ / "three");
  EXPECT_NE(error_of({"a", "three"}).find("2 dimensions, here 3"), std::string::npos);
}

TEST_F(Merge, photos_that_were_decoded_reduced_do_not_mix_with_others) {
  save("a", {"one"});
  save("b", {"two"}, R"({"model_sha256": "aa", "size": 32, "decode": "reduced", "scales": [1.0]})");
  EXPECT_NE(error_of({"a", "b"}).find("another decode (none, here \"reduced\")"),
            std::string::npos);
}

TEST_F(Merge, what_does_not_change_numbers_may_differ_and_is_then_left_out) {
  save("a", {"a"}, R"({"cairn_version": "1", "model": "x.onnx", "model_sha256": "aa"})");
  save("b", {"b"}, R"({"cairn_version": "1", "model": "y.onnx", "model_sha256": "aa"})");
  merge({"a", "b"}, "out");
  const std::string meta = read_text(folder_ / "out/meta.json");
  EXPECT_NE(meta.find("cairn_version"), std::string::npos);
  EXPECT_EQ(meta.find("onnx"), std::string::npos);
}

TEST_F(Merge, ids_that_are_there_twice_are_named_with_their_folders) {
  save("a", {"a", "b"});
  save("b", {"b", "c"});
  save("skipped", {"d"}, kModel, {{"a", "gone"}});
  EXPECT_NE(error_of({"a", "b"}).find("the id b is in "), std::string::npos);
  EXPECT_NE(error_of({"a", "skipped"}).find("the id a is skipped"), std::string::npos);
}

TEST_F(Merge, damaged_rows_leave_no_result) {
  save("a", {"a", "b"});
  save("b", {"c"});
  std::vector<uint8_t> bytes = read_file(folder_ / "a/embeddings.npy");
  bytes.back() ^= 0x40;
  write_file_atomically(folder_ / "a/embeddings.npy", bytes);
  EXPECT_NE(error_of({"a", "b"}).find("row 1"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "out/.staging"));
  EXPECT_FALSE(fs::exists(folder_ / "out/embeddings.npy"));
}

TEST_F(Merge, a_finished_set_is_replaced_only_by_force) {
  save("a", {"a"});
  save("out", {"x"});
  EXPECT_THROW(merge({"a"}, "out"), Error);
  EXPECT_EQ(load_embeddings(folder_ / "out").ids, std::vector<std::string>{"x"});
  merge({"a", "out"}, "out", true);
  EXPECT_EQ(load_embeddings(folder_ / "out").ids, (std::vector<std::string>{"a", "x"}));
}

}  // namespace
}  // namespace cairn::embed
