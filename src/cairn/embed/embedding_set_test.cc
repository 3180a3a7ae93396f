#include "cairn/embed/embedding_set.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <ostream>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/npy.h"
#include "cairn/base/testing/testing.h"

namespace cairn::embed {
namespace {

using cairn::testing::TempDir;

EmbeddingSet two_rows() {
  return {3, {1, 0, 0, 0, 0.6f, 0.8f}, {"a", "b"}, R"({"model_sha256": "11", "output": "e"})"};
}

std::string load_error(const fs::path& folder) {
  try {
    load_embeddings(folder);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string compare_error(const EmbeddingSet& a, const EmbeddingSet& b) {
  try {
    require_comparable(a, b);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void write_rows(const fs::path& folder, std::array<int64_t, 2> shape, std::vector<float> values) {
  write_npy(folder / "embeddings.npy", shape, values);
}

TEST(EmbeddingSet, what_is_saved_is_loaded) {
  const TempDir folder;
  save_embeddings(two_rows(), folder / "set");
  const EmbeddingSet set = load_embeddings(folder / "set");
  EXPECT_EQ(set.dim, 3u);
  EXPECT_EQ(set.values, two_rows().values);
  EXPECT_EQ(set.ids, two_rows().ids);
  EXPECT_EQ(set.meta, two_rows().meta);
  EXPECT_EQ(read_text(folder / "set/ids.txt"), "a\nb\n");
  EXPECT_EQ(read_text(folder / "set/skipped.csv"), "id,reason\n");
}

TEST(EmbeddingSet, an_empty_set_keeps_its_dimension) {
  const TempDir folder;
  save_embeddings({5, {}, {}, "{}"}, folder / "set");
  const EmbeddingSet set = load_embeddings(folder / "set");
  EXPECT_EQ(set.size(), 0u);
  EXPECT_EQ(set.dim, 5u);
}

TEST(EmbeddingSet, skipped_photos_are_listed_with_quoted_reasons) {
  const TempDir folder;
  write_embedding_folder(folder / "set", 2, {"a"}, {{"x", "bad, \"very\" bad"}}, "{}",
                         [](std::ostream& out) {
                           const std::array<float, 2> row = {0, 1};
                           out.write(reinterpret_cast<const char*>(row.data()), sizeof(row));
                         });
  EXPECT_EQ(read_text(folder / "set/skipped.csv"), "id,reason\nx,\"bad, \"\"very\"\" bad\"\n");
  EXPECT_EQ(load_embeddings(folder / "set").values, (std::vector<float>{0, 1}));
}

TEST(EmbeddingSet, a_failed_write_leaves_no_file_and_keeps_an_old_set) {
  const TempDir folder;
  const auto disk_full = [](std::ostream&) { throw Error("disk full"); };
  EXPECT_THROW(write_embedding_folder(folder / "set", 2, {"a"}, {}, "{}", disk_full), Error);
  EXPECT_TRUE(fs::is_empty(folder / "set"));
  save_embeddings(two_rows(), folder / "set");
  EXPECT_THROW(write_embedding_folder(folder / "set", 2, {"a"}, {}, "{}", disk_full), Error);
  EXPECT_EQ(load_embeddings(folder / "set").ids, two_rows().ids);
}

TEST(EmbeddingSet, a_folder_without_one_of_its_files_is_refused) {
  for (const std::string name : {"embeddings.npy", "ids.txt", "meta.json"}) {
    const TempDir folder;
    save_embeddings(two_rows(), folder.path());
    fs::remove(folder / name);
    EXPECT_NE(load_error(folder.path()).find(name), std::string::npos) << name;
  }
  const TempDir folder;
  EXPECT_NE(load_error(folder / "none").find("no such"), std::string::npos);
}

TEST(EmbeddingSet, rows_that_disagree_with_ids_are_refused) {
  const TempDir folder;
  save_embeddings(two_rows(), folder.path());
  write_text_atomically(folder / "ids.txt", "a\nb\nc\n");
  EXPECT_NE(load_error(folder.path()).find("2 rows, but ids.txt has 3 ids"), std::string::npos);
}

TEST(EmbeddingSet, repeated_and_empty_ids_are_refused) {
  const TempDir folder;
  save_embeddings(two_rows(), folder.path());
  write_text_atomically(folder / "ids.txt", "a\na\n");
  EXPECT_NE(load_error(folder.path()).find("a is there twice"), std::string::npos);
  write_text_atomically(folder / "ids.txt", "a\n\nb\n");
  EXPECT_NE(load_error(folder.path()).find("ids.txt:2"), std::string::npos);
}

TEST(EmbeddingSet, rows_with_nan_or_another_length_are_refused) {
  const TempDir folder;
  save_embeddings(two_rows(), folder.path());
  const float nan = std::numeric_limits<float>::quiet_NaN();
  write_rows(folder.path(), {2, 3}, {1, 0, 0, nan, 0, 1});
  EXPECT_NE(load_error(folder.path()).find("row 1 (b) holds NaN"), std::string::npos);
  write_rows(folder.path(), {2, 3}, {3, 0, 0, 0, 0, 1});
  EXPECT_NE(load_error(folder.path()).find("row 0 (a) has length 3"), std::string::npos);
}

TEST(EmbeddingSet, truncated_rows_and_other_arrays_are_refused) {
  const TempDir folder;
  save_embeddings(two_rows(), folder.path());
  const std::vector<uint8_t> whole = read_file(folder / "embeddings.npy");
  for (const size_t keep : {size_t{0}, size_t{9}, size_t{64}, whole.size() - 1}) {
    write_file_atomically(folder / "embeddings.npy", std::span(whole).first(keep));
    EXPECT_NE(load_error(folder.path()), "") << keep;
  }
  const std::array<int64_t, 1> shape = {2};
  const std::array<float, 2> values = {1, 1};
  write_npy(folder / "embeddings.npy", shape, values);
  EXPECT_NE(load_error(folder.path()).find("not a matrix"), std::string::npos);
}

TEST(EmbeddingSet, a_broken_meta_is_refused) {
  const TempDir folder;
  save_embeddings(two_rows(), folder.path());
  for (const std::string text : {"", "{", "[1]", "\xff"}) {
    write_text_atomically(folder / "meta.json", text);
    EXPECT_NE(load_error(folder.path()).find("meta.json"), std::string::npos) << text;
  }
}

TEST(EmbeddingSet, ids_that_no_line_can_hold_are_not_saved) {
  const TempDir folder;
  EmbeddingSet set = two_rows();
  set.ids[1] = "b\nc";
  EXPECT_THROW(save_embeddings(set, folder / "set"), Error);
  set.ids[1] = "a";
  EXPECT_THROW(save_embeddings(set, folder / "set"), Error);
  EXPECT_FALSE(is_embedding_folder(folder / "set"));
}

TEST(EmbeddingSet, sets_of_one_model_are_comparable) {
  EXPECT_EQ(compare_error(two_rows(), two_rows()), "");
  EmbeddingSet foreign = two_rows();
  foreign.meta = "{}";
  EXPECT_EQ(compare_error(two_rows(), foreign), "");
}

TEST(EmbeddingSet, sets_of_other_dimensions_models_or_outputs_are_not_comparable) {
  EmbeddingSet other = two_rows();
  other.dim = 4;
  EXPECT_NE(compare_error(two_rows(), other).find("3 and 4 dimensions"), std::string::npos);
  other = two_rows();
  other.meta = R"({"model_sha256": "22", "output": "e"})";
  EXPECT_NE(compare_error(two_rows(), other).find("different models (11 and 22"),
            std::string::npos);
  other.meta = R"({"model_sha256": "11", "output": "logits"})";
  EXPECT_NE(compare_error(two_rows(), other).find("different outputs"), std::string::npos);
}

TEST(EmbeddingSet, another_preparation_is_named) {
  const std::string one = R"({"size": 224, "scales": [1.0], "mean": [127.5], "precision": "f32"})";
  EXPECT_EQ(other_preparation(one, one), "");
  EXPECT_EQ(other_preparation(one, "{}"), "");
  EXPECT_EQ(other_preparation(one, R"({"size": 224, "scales": [1.0], "precision": "bf16"})"), "");
  EXPECT_EQ(other_preparation(one, R"({"size": 256, "mean": [127.5], "scales": [1.0, 0.5]})"),
            "size (224 and 256), scales ([1.0] and [1.0,0.5])");
}

}  // namespace
}  // namespace cairn::embed
