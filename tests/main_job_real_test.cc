// The main job on real photos: embed, recognise, retrieve, score. The expected scores come from an
// independent implementation (ONNX Runtime and NumPy) with the same model and photos.
#include <gtest/gtest.h>

#include <cstdio>
#include <unordered_map>

#include "cairn/base/testing/testing.h"
#include "cairn/dataset/gld_root.h"
#include "cairn/embed/pipeline.h"
#include "cairn/eval/holidays.h"
#include "cairn/eval/scoring.h"
#include "cairn/rank/landmark_votes.h"
#include "cairn/search/exact_search.h"

namespace cairn {
namespace {

using testing::shared_dir;

constexpr double kTolerance = 0.003;

embed::EmbeddingSet embed_folder(const std::filesystem::path& photos,
                                 const std::filesystem::path& out) {
  embed::EmbedderOptions options;
  options.size = 224;
  options.mean = {127.5F};
  options.std = {127.5F};
  options.output = "embedding";
  const embed::Embedder embedder(
      engine::Model::load(shared_dir() / "models" / "mobilenet_v2_imagenet.onnx"), options);
  embed::EmbedRun run;
  run.out = out;
  const embed::EmbedSummary summary =
      embed::embed_photos(dataset::find_photos(photos), embedder, run);
  EXPECT_TRUE(summary.skipped.empty());
  return embed::load_embeddings(out);
}

search::Rows rows_of(const embed::EmbeddingSet& set) { return {set.values, set.ids, set.dim}; }

TEST(main_job, reaches_the_reference_scores_on_landmark_photos) {
  CAIRN_REQUIRE_SHARED("data/landmarks");
  CAIRN_REQUIRE_SHARED("models/mobilenet_v2_imagenet.onnx");
  const testing::TempDir dir;
  const dataset::GldRoot root(shared_dir() / "data" / "landmarks");
  const embed::EmbeddingSet train = embed_folder(root.train, dir / "train");
  const embed::EmbeddingSet index = embed_folder(root.index, dir / "index");
  const embed::EmbeddingSet test = embed_folder(root.test, dir / "test");
  ASSERT_EQ(train.size(), 680U);
  ASSERT_EQ(index.size(), 1009U);
  ASSERT_EQ(test.size(), 456U);

  std::unordered_map<std::string, int64_t> landmark_of;
  for (const dataset::Label& label : dataset::read_labels(root.train_table)) {
    landmark_of[label.id] = label.landmark;
  }
  std::vector<int64_t> landmarks;
  for (const std::string& id : train.ids) landmarks.push_back(landmark_of.at(id));
  const auto votes = rank::recognize(rows_of(test), rows_of(train), landmarks, {});
  std::vector<eval::RecognitionAnswer> answers;
  for (size_t i = 0; i < test.size(); ++i) {
    answers.push_back({test.ids[i], votes[i].value().landmark, votes[i]->confidence});
  }
  const auto recognition = eval::join_recognition(
      dataset::read_recognition_solution(root.recognition_solution), answers, eval::Usage::kAll);
  const double gap = eval::global_average_precision(recognition.results);
  std::printf("GAP %.4f\n", gap);
  EXPECT_NEAR(gap, 0.945, kTolerance);

  std::vector<eval::RetrievalAnswer> lists;
  const auto hits = search::search_exact(rows_of(test), rows_of(index), {});
  for (size_t i = 0; i < test.size(); ++i) {
    lists.push_back({test.ids[i], {}});
    for (const search::Hit& hit : hits[i]) lists.back().images.push_back(index.ids[hit.row]);
  }
  const auto retrieval = eval::join_retrieval(
      dataset::read_retrieval_solution(root.retrieval_solution), lists, eval::Usage::kAll);
  EXPECT_EQ(retrieval.results.size(), 208U);
  const double map = eval::score_retrieval(retrieval.results).map;
  std::printf("mAP@100 %.4f\n", map);
  EXPECT_NEAR(map, 0.696, kTolerance);
}

TEST(main_job, reaches_the_reference_score_on_holidays) {
  CAIRN_REQUIRE_SHARED("data/holidays");
  CAIRN_REQUIRE_SHARED("models/mobilenet_v2_imagenet.onnx");
  const testing::TempDir dir;
  const embed::EmbeddingSet photos =
      embed_folder(shared_dir() / "data" / "holidays", dir / "photos");
  ASSERT_EQ(photos.size(), 421U);
  search::SearchOptions options;
  options.top = photos.size();
  options.exclude_self = true;
  const auto hits = search::search_exact(rows_of(photos), rows_of(photos), options);
  std::unordered_map<std::string, size_t> row_of;
  for (size_t i = 0; i < photos.size(); ++i) row_of[photos.ids[i]] = i;
  std::vector<eval::RetrievalResult> results;
  for (const eval::HolidaysQuery& query : eval::holidays_queries(photos.ids)) {
    results.push_back({query.id, {}, query.relevant});
    for (const search::Hit& hit : hits[row_of.at(query.id)]) {
      results.back().ranked.push_back(photos.ids[hit.row]);
    }
  }
  EXPECT_EQ(results.size(), 149U);
  const double map = eval::score_retrieval(results, photos.size()).map;
  std::printf("Holidays mAP %.4f\n", map);
  EXPECT_NEAR(map, 0.835, kTolerance);
}

}  // namespace
}  // namespace cairn
