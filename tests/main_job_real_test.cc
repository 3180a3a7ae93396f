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
#include "cairn/quantize/quantize.h"
#include "cairn/rank/landmark_votes.h"
#include "cairn/search/exact_search.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using testing::shared_dir;

constexpr double kTolerance = 0.003;

fs::path mobilenet() { return shared_dir() / "models" / "mobilenet_v2_imagenet.onnx"; }

embed::EmbedderOptions mobilenet_options(engine::Precision precision) {
  embed::EmbedderOptions options;
  options.size = 224;
  options.mean = {127.5F};
  options.std = {127.5F};
  options.output = "embedding";
  options.precision = precision;
  return options;
}

embed::EmbeddingSet embed_folder(const fs::path& photos, const fs::path& out,
                                 engine::Precision precision = engine::Precision::kF32,
                                 const fs::path& model = mobilenet()) {
  const embed::Embedder embedder(engine::Model::load(model), mobilenet_options(precision));
  embed::EmbedRun run;
  run.out = out;
  const embed::EmbedSummary summary =
      embed::embed_photos(dataset::find_photos(photos), embedder, run);
  EXPECT_TRUE(summary.skipped.empty());
  return embed::load_embeddings(out);
}

search::Rows rows_of(const embed::EmbeddingSet& set) { return {set.values, set.ids, set.dim}; }

struct Embeddings {
  embed::EmbeddingSet train;
  embed::EmbeddingSet index;
  embed::EmbeddingSet test;
};

struct Scores {
  double gap = 0;
  double map = 0;
};

Embeddings embed_landmarks(const dataset::GldRoot& root, engine::Precision precision,
                           const fs::path& model = mobilenet()) {
  const testing::TempDir dir;
  return {embed_folder(root.train, dir / "train", precision, model),
          embed_folder(root.index, dir / "index", precision, model),
          embed_folder(root.test, dir / "test", precision, model)};
}

Scores score(const dataset::GldRoot& root, const Embeddings& photos) {
  std::unordered_map<std::string, int64_t> landmark_of;
  for (const dataset::Label& label : dataset::read_labels(root.train_table)) {
    landmark_of[label.id] = label.landmark;
  }
  std::vector<int64_t> landmarks;
  for (const std::string& id : photos.train.ids) landmarks.push_back(landmark_of.at(id));
  const auto votes = rank::recognize(rows_of(photos.test), rows_of(photos.train), landmarks, {});
  std::vector<eval::RecognitionAnswer> answers;
  for (size_t i = 0; i < photos.test.size(); ++i) {
    answers.push_back({photos.test.ids[i], votes[i].value().landmark, votes[i]->confidence});
  }
  const auto recognition = eval::join_recognition(
      dataset::read_recognition_solution(root.recognition_solution), answers, eval::Usage::kAll);
  Scores scores;
  scores.gap = eval::global_average_precision(recognition.results);

  std::vector<eval::RetrievalAnswer> lists;
  const auto hits = search::search_exact(rows_of(photos.test), rows_of(photos.index), {});
  for (size_t i = 0; i < photos.test.size(); ++i) {
    lists.push_back({photos.test.ids[i], {}});
    for (const search::Hit& hit : hits[i]) {
      lists.back().images.push_back(photos.index.ids[hit.row]);
    }
  }
  const auto retrieval = eval::join_retrieval(
      dataset::read_retrieval_solution(root.retrieval_solution), lists, eval::Usage::kAll);
  EXPECT_EQ(retrieval.results.size(), 208U);
  scores.map = eval::score_retrieval(retrieval.results).map;
  return scores;
}

double mean_cosine(const embed::EmbeddingSet& a, const embed::EmbeddingSet& b) {
  EXPECT_EQ(a.ids, b.ids);
  double sum = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    sum += static_cast<double>(a.values[i]) * static_cast<double>(b.values[i]);
  }
  return sum / static_cast<double>(a.size());
}

// Prints the scores and expects that they lose no more than `loss`.
void expect_nearly(const char* name, const Embeddings& embeddings, const Embeddings& expected,
                   const dataset::GldRoot& root, double loss, double least_cosine) {
  const Scores scores = score(root, embeddings);
  const Scores of_expected = score(root, expected);
  const double similarity = mean_cosine(embeddings.test, expected.test);
  std::printf("%s: GAP %.4f, mAP@100 %.4f, mean cosine to f32 %.5f\n", name, scores.gap, scores.map,
              similarity);
  EXPECT_GE(scores.gap, of_expected.gap - loss);
  EXPECT_GE(scores.map, of_expected.map - loss);
  EXPECT_GE(similarity, least_cosine);
}

TEST(main_job, reaches_the_reference_scores_on_landmark_photos_also_in_16_and_8_bits) {
  CAIRN_REQUIRE_SHARED("data/landmarks");
  CAIRN_REQUIRE_SHARED("models/mobilenet_v2_imagenet.onnx");
  const dataset::GldRoot root(shared_dir() / "data" / "landmarks");
  const Embeddings photos = embed_landmarks(root, engine::Precision::kF32);
  ASSERT_EQ(photos.train.size(), 680U);
  ASSERT_EQ(photos.index.size(), 1009U);
  ASSERT_EQ(photos.test.size(), 456U);
  const Scores scores = score(root, photos);
  std::printf("GAP %.4f, mAP@100 %.4f\n", scores.gap, scores.map);
  EXPECT_NEAR(scores.gap, 0.945, kTolerance);
  EXPECT_NEAR(scores.map, 0.696, kTolerance);

  using engine::Precision;
  expect_nearly("bf16", embed_landmarks(root, Precision::kBf16), photos, root, 0.003, 0.999);

  // Train photos only say which numbers occur.
  const testing::TempDir dir;
  quantize::QuantizeOptions options;
  options.embedder = mobilenet_options(Precision::kF32);
  const fs::path model = dir / "int8.onnx";
  const quantize::QuantizeReport report =
      quantize::quantize_model(mobilenet(), dataset::find_photos(root.train), model, options);
  EXPECT_EQ(report.count_int8(), 35U);  // all but the depthwise ones
  expect_nearly("int8", embed_landmarks(root, Precision::kF32, model), photos, root, 0.01, 0.985);
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
