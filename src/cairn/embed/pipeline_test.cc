#include "cairn/embed/pipeline.h"

#include <gtest/gtest.h>

#include <atomic>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/embed/photo_list.h"
#include "cairn/embed/testing/fixtures.h"

namespace cairn::embed {
namespace {

using cairn::testing::TempDir;
using testing::drawn_photo;
using testing::parse;
using testing::tiny_network;
using testing::write_photos;

const std::vector<std::string> kFiles = {"embeddings.npy", "ids.txt", "meta.json", "skipped.csv"};

// A folder IN of photos, and runs of a tiny network over it.
class Pipeline : public ::testing::Test {
 protected:
  static Embedder embedder(int size = 32, engine::Precision precision = engine::Precision::kF32,
                           Decoding decoding = Decoding::kFull) {
    EmbedderOptions options;
    options.precision = precision;
    options.decoding = decoding;
    options.size = size;
    options.mean = {127.5f};
    options.std = {127.5f};
    options.output = "embedding";
    return {parse(tiny_network()), options};
  }

  fs::path in() const { return folder_ / "in"; }

  EmbedRun run_into(const std::string& out) const {
    EmbedRun run;
    run.out = folder_ / out;
    run.threads = 1;
    run.chunk = 8;
    return run;
  }

  EmbedSummary embed(const EmbedRun& run, int size = 32) const {
    return embed_photos(read_photo_list(in(), ""), embedder(size), run);
  }

  std::string error_of(const EmbedRun& run, int size = 32) const {
    try {
      embed(run, size);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  // A run that stops before photo number count + 1.
  std::string stopped_run(EmbedRun run, int count) const {
    const auto left = std::make_shared<std::atomic<int>>(count);
    run.stop = [left] { return (*left)-- <= 0; };
    return error_of(run);
  }

  bool has_result(const std::string& out) const {
    for (const std::string& name : kFiles) {
      if (fs::exists(folder_ / out / name)) return true;
    }
    return false;
  }

  void expect_same(const std::string& a, const std::string& b) const {
    for (const std::string& name : kFiles) {
      EXPECT_EQ(read_file(folder_ / a / name), read_file(folder_ / b / name)) << name;
    }
    EXPECT_FALSE(fs::exists(folder_ / a / ".parts"));
    EXPECT_FALSE(fs::exists(folder_ / b / ".parts"));
  }

  TempDir folder_;
};

TEST_F(Pipeline, rows_are_the_embeddings_of_the_photos_in_id_order) {
  write_photos(in(), 11);
  const EmbedSummary summary = embed(run_into("out"));
  EXPECT_EQ(summary.photos, 11u);
  EXPECT_EQ(summary.embedded(), 11u);
  const EmbeddingSet set = load_embeddings(folder_ / "out");
  ASSERT_EQ(set.size(), 11u);
  const Embedder single = embedder();
  Embedder::Worker worker(single);
  const auto photos = read_photo_list(in(), "");
  for (size_t i = 0; i < set.size(); ++i) {
    EXPECT_EQ(set.ids[i], photos[i].id);
    const auto expected = worker.embed(image::read_image(photos[i].path).value());
    EXPECT_EQ(std::vector<float>(set.row(i), set.row(i) + set.dim), expected) << i;
  }
}

TEST_F(Pipeline, threads_and_chunks_do_not_change_a_byte) {
  write_photos(in(), 30);
  write_text_atomically(in() / "photo_0007x.jpg", "broken");
  embed(run_into("one"));
  EmbedRun run = run_into("three");
  run.threads = 3;
  run.chunk = 5;
  embed(run);
  expect_same("one", "three");
}

TEST_F(Pipeline, a_stopped_run_leaves_no_result_and_resumes_without_recomputing) {
  write_photos(in(), 30);
  write_text_atomically(in() / "photo_0003x.jpg", "broken");
  embed(run_into("whole"));

  EXPECT_NE(stopped_run(run_into("halves"), 19).find("--resume"), std::string::npos);
  EXPECT_FALSE(has_result("halves"));

  // Were a photo of the two finished chunks read again, it would be missing from the result.
  const auto photos = read_photo_list(in(), "");
  for (size_t i = 0; i < 16; ++i) write_text_atomically(photos[i].path, "gone");
  EmbedRun again = run_into("halves");
  again.resume = true;
  EXPECT_EQ(embed(again).resumed, 16u);
  expect_same("whole", "halves");
}

TEST_F(Pipeline, what_a_kill_left_half_written_is_no_part) {
  write_photos(in(), 20);
  embed(run_into("whole"));
  stopped_run(run_into("killed"), 12);
  write_text_atomically(folder_ / "killed/.parts/00000001.part.tmp-99", "half");
  make_folder(folder_ / "killed/.staging");
  write_text_atomically(folder_ / "killed/.staging/embeddings.npy", "half");
  EmbedRun again = run_into("killed");
  again.resume = true;
  EXPECT_EQ(embed(again).resumed, 8u);
  expect_same("whole", "killed");
  EXPECT_FALSE(fs::exists(folder_ / "killed/.staging"));
}

TEST_F(Pipeline, resuming_with_other_settings_photos_or_model_is_refused) {
  write_photos(in(), 20);
  stopped_run(run_into("out"), 12);
  EmbedRun again = run_into("out");
  again.resume = true;
  EXPECT_NE(error_of(again, 48).find("another size (32, now 48)"), std::string::npos);
  write_photos(in(), 21);
  EXPECT_NE(error_of(again).find("another photos (20, now 21)"), std::string::npos);
}

TEST_F(Pipeline, an_unfinished_run_is_neither_overwritten_nor_resumed_unasked) {
  write_photos(in(), 20);
  stopped_run(run_into("out"), 12);
  EXPECT_NE(error_of(run_into("out")).find("--resume"), std::string::npos);
  EmbedRun forced = run_into("out");
  forced.force = true;
  EXPECT_EQ(embed(forced).resumed, 0u);
}

TEST_F(Pipeline, a_finished_set_is_replaced_only_by_force) {
  write_photos(in(), 9);
  embed(run_into("out"));
  EXPECT_NE(error_of(run_into("out")).find("--force"), std::string::npos);
  EmbedRun forced = run_into("out");
  forced.force = true;
  embed(forced, 48);
  EXPECT_NE(read_text(folder_ / "out/meta.json").find("\"size\": 48"), std::string::npos);
}

TEST_F(Pipeline, resuming_a_finished_set_changes_nothing) {
  write_photos(in(), 9);
  write_text_atomically(in() / "x.jpg", "broken");
  embed(run_into("out"));
  EmbedRun again = run_into("out");
  again.resume = true;
  const EmbedSummary summary = embed(again);
  EXPECT_EQ(summary.resumed, 10u);
  EXPECT_EQ(summary.embedded(), 9u);
  EXPECT_NE(error_of(again, 48).find("another size"), std::string::npos);
}

TEST_F(Pipeline, another_precision_is_recorded_and_does_not_resume) {
  if (engine::available_precision(engine::Precision::kBf16) != engine::Precision::kBf16)
    GTEST_SKIP() << "this processor has no bfloat16";
  write_photos(in(), 9);
  embed(run_into("out"));
  const Embedder bf16 = embedder(32, engine::Precision::kBf16);
  const auto photos = read_photo_list(in(), "");
  embed_photos(photos, bf16, run_into("half"));
  EXPECT_NE(read_text(folder_ / "half/meta.json").find("\"precision\": \"bf16\""),
            std::string::npos);
  EmbedRun again = run_into("out");
  again.resume = true;
  try {
    embed_photos(photos, bf16, again);
    ADD_FAILURE() << "resumed in another precision";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("another precision (\"f32\", now \"bf16\")"),
              std::string::npos)
        << error.what();
  }
  const EmbeddingSet a = load_embeddings(folder_ / "out");
  EXPECT_NO_THROW(require_comparable(a, load_embeddings(folder_ / "half")));
}

TEST_F(Pipeline, reduced_decoding_is_recorded_and_does_not_resume_or_mix_with_full) {
  write_photos(in(), 5);  // 24 × 32 and larger
  const Embedder full = embedder(4);
  const Embedder reduced = embedder(4, engine::Precision::kF32, Decoding::kReduced);
  const auto photos = read_photo_list(in(), "");
  EmbedRun full_run = run_into("full");
  EmbedRun reduced_run = run_into("reduced");
  for (EmbedRun* run : {&full_run, &reduced_run}) run->cache = folder_ / "cache";
  embed_photos(photos, full, full_run);
  EXPECT_EQ(embed_photos(photos, reduced, reduced_run).cached, 0u);
  EXPECT_EQ(read_text(folder_ / "full/meta.json").find("decode"), std::string::npos);
  EXPECT_NE(read_text(folder_ / "reduced/meta.json").find("\"decode\": \"reduced\""),
            std::string::npos);

  const EmbeddingSet set = load_embeddings(folder_ / "reduced");
  Embedder::Worker worker(reduced);
  const auto half = image::read_image(photos[0].path, {.min_short_side = 8}).value();
  EXPECT_EQ(half.width, 12);
  EXPECT_EQ(std::vector<float>(set.row(0), set.row(0) + set.dim), worker.embed(half));

  const auto error_of_resuming = [&](const std::string& out, const Embedder& other) {
    EmbedRun run = run_into(out);
    run.resume = true;
    try {
      embed_photos(photos, other, run);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(error_of_resuming("full", reduced).find("another decode (none, now \"reduced\")"),
            std::string::npos);
  EXPECT_NE(error_of_resuming("reduced", full).find("another decode (\"reduced\", now none)"),
            std::string::npos);
  EXPECT_EQ(error_of_resuming("reduced", reduced), "");
}

TEST_F(Pipeline, files_of_somebody_else_are_not_overwritten) {
  write_photos(in(), 2);
  make_folder(folder_ / "out");
  write_text_atomically(folder_ / "out/ids.txt", "mine");
  EXPECT_NE(error_of(run_into("out")).find("has ids.txt already"), std::string::npos);
  EXPECT_EQ(read_text(folder_ / "out/ids.txt"), "mine");
}

TEST_F(Pipeline, two_runs_cannot_share_a_folder) {
  write_photos(in(), 2);
  make_folder(folder_ / "out");
  const FolderLock other(folder_ / "out");
  EXPECT_NE(error_of(run_into("out")).find("in use by another"), std::string::npos);
}

TEST_F(Pipeline, broken_photos_are_listed_in_id_order_with_reasons) {
  write_photos(in(), 1);
  write_text_atomically(in() / "b.jpg", "text");
  write_text_atomically(in() / "a.png", "");
  fs::create_symlink("/nowhere", in() / "c.webp");
  const EmbedSummary summary = embed(run_into("out"));
  ASSERT_EQ(summary.skipped.size(), 3u);
  EXPECT_EQ(summary.skipped[0].id, "a");
  EXPECT_EQ(summary.skipped[1].id, "b");
  EXPECT_EQ(summary.skipped[2].id, "c");
  EXPECT_NE(summary.skipped[2].reason.find("No such file"), std::string::npos);
  EXPECT_EQ(load_embeddings(folder_ / "out").ids, std::vector<std::string>{"photo_0000"});
}

TEST_F(Pipeline, broken_photos_alone_make_an_empty_set) {
  make_folder(in());
  write_text_atomically(in() / "a.jpg", "text");
  embed(run_into("out"));
  const EmbeddingSet set = load_embeddings(folder_ / "out");
  EXPECT_EQ(set.size(), 0u);
  EXPECT_EQ(set.dim, 16u);
}

TEST_F(Pipeline, photos_over_the_pixel_limit_are_skipped) {
  write_photos(in(), 3);
  EmbedRun run = run_into("out");
  run.max_pixels = 24 * 32;
  EXPECT_EQ(embed(run).embedded(), 1u);
}

TEST_F(Pipeline, ids_that_repeat_are_refused_and_ids_that_fit_no_line_skipped) {
  write_photos(in(), 1);
  const fs::path photo = in() / "photo_0000.jpg";
  EXPECT_THROW(embed_photos({{"a", photo}, {"a", photo}}, embedder(), run_into("out")), Error);
  const EmbedSummary summary =
      embed_photos({{"a", photo}, {"b\nc", photo}}, embedder(), run_into("out"));
  ASSERT_EQ(summary.skipped.size(), 1u);
  EXPECT_EQ(summary.skipped[0].id, "b\nc");
}

TEST_F(Pipeline, a_damaged_part_is_named) {
  write_photos(in(), 20);
  stopped_run(run_into("out"), 12);
  const fs::path part = folder_ / "out/.parts/00000000.part";
  std::vector<uint8_t> bytes = read_file(part);
  bytes.resize(bytes.size() - 4);
  write_file_atomically(part, bytes);
  EmbedRun again = run_into("out");
  again.resume = true;
  EXPECT_NE(error_of(again).find("00000000.part: damaged"), std::string::npos);
  EXPECT_FALSE(has_result("out"));
  fs::remove(part);
  EXPECT_EQ(embed(again).embedded(), 20u);
}

}  // namespace
}  // namespace cairn::embed
