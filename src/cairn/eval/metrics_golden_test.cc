// The metrics against shared/golden/metrics.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cairn/base/testing/testing.h"
#include "cairn/eval/cbir.h"
#include "cairn/eval/gap.h"
#include "cairn/eval/reid.h"
#include "cairn/eval/retrieval.h"
#include "cairn/eval/revisited.h"
#include "cairn/eval/submission.h"

namespace cairn::eval {
namespace {

using nlohmann::json;
using testing::golden_case;
using testing::GoldenCase;

// |value - expected| / |expected| (absolute where the expected value is 0).
double relative_error(double value, double expected) {
  const double difference = std::abs(value - expected);
  return expected == 0 ? difference : difference / std::abs(expected);
}

#define EXPECT_RELATIVE(value, expected, tolerance) \
  EXPECT_LE(relative_error((value), (expected)), (tolerance)) << (value) << " for " << (expected)

template <typename Values>
void expect_all(const Values& values, const json& expected, double tolerance) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_RELATIVE(values[i], expected[i].get<double>(), tolerance);
  }
}

std::vector<RecognitionResult> recognition_results(const json& spec) {
  const int64_t none = spec.at("num_classes");
  std::vector<RecognitionResult> results;
  for (size_t i = 0; i < spec.at("y_true").size(); ++i) {
    RecognitionResult result;
    result.id = std::to_string(100000 + i);  // byte order is row order
    if (spec["y_true"][i] != none) result.truth.push_back(spec["y_true"][i]);
    if (spec["y_pred"][i] != none) result.predicted = spec["y_pred"][i];
    result.confidence = spec["confidence"][i];
    results.push_back(result);
  }
  return results;
}

TEST(metrics, metrics_gap) {
  CAIRN_REQUIRE_SHARED("golden");
  const GoldenCase golden = golden_case("metrics/gap");
  const double tolerance = golden.spec["tolerance"]["relative"];
  const json cases = golden.json("cases.json");
  ASSERT_EQ(cases.size(), 10U);
  for (const json& spec : cases) {
    SCOPED_TRACE(spec["name"].get<std::string>());
    const std::vector<RecognitionResult> results = recognition_results(spec);
    const auto gap = [&](bool ignore, TieOrder ties) {
      return global_average_precision(results, {ignore, ties});
    };
    for (const char* prefix : {"vt_gap", "ps_comp_metric"}) {
      const std::string name = prefix;
      EXPECT_RELATIVE(gap(true, TieOrder::kLastRowFirst), spec[name + "_ignore_true"], tolerance);
      EXPECT_RELATIVE(gap(false, TieOrder::kLastRowFirst), spec[name + "_ignore_false"], tolerance);
    }
    EXPECT_RELATIVE(gap(false, TieOrder::kIdAscending), spec["kaggle_gap"], tolerance);
    EXPECT_RELATIVE(gap(true, TieOrder::kIdAscending), spec["kaggle_gap_ignore_non_landmarks"],
                    tolerance);
    EXPECT_RELATIVE(top1_accuracy(results), spec["kaggle_top1"], tolerance);
  }
}

TEST(metrics, metrics_retrieval_map) {
  CAIRN_REQUIRE_SHARED("golden");
  const GoldenCase golden = golden_case("metrics/retrieval_map");
  const double tolerance = golden.spec["tolerance"]["relative"];
  const json data = golden.json("data.json");
  std::map<std::string, std::vector<std::string>> predictions;
  for (const RetrievalAnswer& answer :
       read_retrieval_submission(golden.folder / "predictions.csv")) {
    predictions[answer.id] = answer.images;
  }
  ASSERT_EQ(json(predictions), data["predictions"]);
  std::vector<RetrievalResult> results;
  for (const auto& [id, relevant] : data["solution"].items()) {
    results.push_back({id, predictions[id], relevant});
  }
  const RetrievalScores scores = score_retrieval(results);
  const json& expected = golden.spec["outputs"];
  EXPECT_RELATIVE(scores.map, expected["mAP@100"], tolerance);
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_RELATIVE(scores.ap[i], expected["ap_per_query"][results[i].id], tolerance);
  }
  expect_all(scores.mean_precision, expected["mean_precision_at_k"], tolerance);
  EXPECT_RELATIVE(scores.mean_position, expected["mean_position"], tolerance);
  EXPECT_RELATIVE(scores.median_position, expected["median_position"], tolerance);
}

std::vector<CbirQuery> cbir_queries(const json& data) {
  std::vector<CbirQuery> queries;
  for (const auto& [id, predictions] : data["predictions"].items()) {
    const json& truth = data["ground_truth"][id];
    if (truth.empty()) continue;  // a query without annotation does not exist for the metric
    CbirQuery query;
    query.image = truth["image_name"];
    for (const json& row : truth["positives"]) {
      (row[2].get<bool>() ? query.ignored : query.positives).insert(row[0].get<std::string>());
    }
    for (const json& row : predictions) query.predictions.push_back({row[0], row[1]});
    queries.push_back(query);
  }
  return queries;
}

TEST(metrics, metrics_cbir) {
  CAIRN_REQUIRE_SHARED("golden");
  const GoldenCase golden = golden_case("metrics/cbir");
  const double tolerance = golden.spec["tolerance"]["relative"];
  const std::vector<CbirQuery> queries = cbir_queries(golden.json("data.json"));
  const std::vector<std::pair<const char*, CbirMetric>> metrics = {
      {"retrieval", CbirMetric::kRetrieval},
      {"voc", CbirMetric::kVoc},
      {"delg", CbirMetric::kDelg}};
  for (const auto& [name, metric] : metrics) {
    SCOPED_TRACE(name);
    const CbirScores scores = score_cbir(queries, metric);
    const json& expected = golden.spec["outputs"][name];
    EXPECT_RELATIVE(scores.map, expected["mAP"], tolerance);
    std::vector<double> ap = scores.ap;
    std::vector<double> expected_ap = expected["ap"];
    std::sort(ap.begin(), ap.end());  // JSON objects lose the order of their keys
    std::sort(expected_ap.begin(), expected_ap.end());
    expect_all(ap, expected_ap, tolerance);
    expect_all(scores.cmc, expected["cmc"], tolerance);
    expect_all(scores.mean_precision, expected["mean_precision"], tolerance);
    expect_all(scores.mean_recall, expected["mean_recall"], tolerance);
    EXPECT_RELATIVE(scores.average_positives, expected["average_gt_num"], tolerance);
    EXPECT_RELATIVE(scores.average_predictions, expected["average_pred_num"], tolerance);
    EXPECT_RELATIVE(scores.largest_recall, expected["largest_recall"], tolerance);
    EXPECT_RELATIVE(scores.average_upper_bound, expected["average_upper_bound"], tolerance);
    EXPECT_RELATIVE(scores.mean_threshold, expected["mean_thr"], tolerance);
    EXPECT_EQ(scores.valid_queries, expected["valid_queries"].get<size_t>());
  }
}

std::vector<ReidImage> reid_images(const json& ids, const json& cameras) {
  std::vector<ReidImage> images;
  for (size_t i = 0; i < ids.size(); ++i) images.push_back({ids[i], cameras[i]});
  return images;
}

TEST(metrics, metrics_reid_eval) {
  CAIRN_REQUIRE_SHARED("golden");
  const GoldenCase golden = golden_case("metrics/reid_eval");
  const double tolerance = golden.spec["tolerance"]["metrics"];
  const double distance_tolerance = golden.spec["tolerance"]["distances"];
  const NpyArray<float> query = golden.f32("query.npy");
  const NpyArray<float> gallery = golden.f32("gallery.npy");
  const NpyArray<float> squared = golden.f32("euclidean_squared.npy");
  const NpyArray<float> angle = golden.f32("angle.npy");
  const size_t dim = static_cast<size_t>(query.shape.at(1));
  const std::vector<float> own_squared = squared_distances(query.values, gallery.values, dim);
  const std::vector<float> own_angle = angles(query.values, gallery.values, dim);
  ASSERT_EQ(own_squared.size(), squared.values.size());
  for (size_t i = 0; i < own_squared.size(); ++i) {
    EXPECT_NEAR(own_squared[i], squared.values[i], distance_tolerance);
    EXPECT_NEAR(own_angle[i], angle.values[i], distance_tolerance);
  }
  const json& inputs = golden.spec["inputs"];
  const json& expected = golden.spec["outputs"];
  const std::vector<ReidImage> queries = reid_images(inputs["q_pids"], inputs["q_camids"]);
  const ReidScores plain =
      score_reid(squared.values, queries, reid_images(inputs["g_pids"], inputs["g_camids"]));
  EXPECT_RELATIVE(plain.map, expected["mAP"], tolerance);
  // The reference keeps this curve in float32.
  expect_all(std::vector<float>(plain.cmc.begin(), plain.cmc.end()), expected["cmc"], tolerance);
  const ReidScores grouped = score_reid_by_group(
      squared.values, queries, reid_images(inputs["cbir_g_pids"], inputs["cbir_g_camids"]));
  EXPECT_RELATIVE(grouped.map, expected["cbir_mAP"], tolerance);
  expect_all(std::vector<double>(grouped.cmc.begin(), grouped.cmc.begin() + 60),
             expected["cbir_cmc_first_60"], tolerance);
  EXPECT_RELATIVE(grouped.cmc.back(), expected["cbir_cmc_last"], tolerance);
}

TEST(metrics, metrics_revisited) {
  CAIRN_REQUIRE_SHARED("golden");
  const GoldenCase golden = golden_case("metrics/revisited");
  const double tolerance = golden.spec["tolerance"]["absolute"];
  std::vector<RevisitedTruth> truth;
  for (const json& row : golden.json("gnd.json"))
    truth.push_back({row["easy"], row["hard"], row["junk"]});
  const NpyArray<int64_t> ranks = golden.i64("ranks.npy");
  std::vector<std::vector<int64_t>> rankings(truth.size());
  for (size_t i = 0; i < ranks.values.size(); ++i) {
    rankings[i % truth.size()].push_back(ranks.values[i]);
  }
  const std::vector<std::pair<const char*, RevisitedProtocol>> protocols = {
      {"easy", RevisitedProtocol::kEasy},
      {"medium", RevisitedProtocol::kMedium},
      {"hard", RevisitedProtocol::kHard},
      {"no_junk_field", RevisitedProtocol::kNoJunk}};
  const std::vector<size_t> cutoffs = {1, 5, 10};
  for (const auto& [name, protocol] : protocols) {
    SCOPED_TRACE(name);
    const RevisitedScores scores = score_revisited(rankings, truth, protocol, cutoffs);
    const json& expected = golden.spec["outputs"][name];
    EXPECT_NEAR(scores.map, expected["map"].get<double>(), tolerance);
    ASSERT_EQ(scores.queries.size(), expected["aps"].size());
    for (size_t i = 0; i < cutoffs.size(); ++i) {
      EXPECT_NEAR(scores.mean_precision[i], expected["mpr"][i].get<double>(), tolerance);
    }
    for (size_t q = 0; q < scores.queries.size(); ++q) {
      ASSERT_EQ(scores.queries[q].has_value(), !expected["aps"][q].is_null());
      if (!scores.queries[q]) continue;
      EXPECT_NEAR(scores.queries[q]->ap, expected["aps"][q].get<double>(), tolerance);
      for (size_t i = 0; i < cutoffs.size(); ++i) {
        EXPECT_NEAR(scores.queries[q]->precision[i], expected["prs"][q][i].get<double>(),
                    tolerance);
      }
    }
  }
}

}  // namespace
}  // namespace cairn::eval
