// The post-processing of Henkel and Singer against their notebook, and the detector's area rule.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "cairn/base/testing/testing.h"
#include "cairn/eval/gap.h"
#include "cairn/rank/filters.h"
#include "cairn/rank/nonlandmark.h"
#include "cairn/rank/quantile.h"

namespace cairn::rank {
namespace {

using cairn::testing::golden_case;
using cairn::testing::GoldenCase;

constexpr size_t kModels = 2;
constexpr size_t kDim = 64;
constexpr size_t kBoth = kModels * kDim;

std::vector<std::string> number_ids(const std::string& prefix, size_t count) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < count; ++i) ids.push_back(prefix + std::to_string(100000 + i));
  return ids;
}

// The columns of one model, rows of length 1.
std::vector<float> part(const std::vector<float>& all, size_t model,
                        const std::vector<size_t>& rows) {
  std::vector<float> values;
  for (const size_t row : rows) {
    const float* from = &all[row * kModels * kDim + model * kDim];
    double squares = 0;
    for (size_t d = 0; d < kDim; ++d) squares += static_cast<double>(from[d]) * from[d];
    for (size_t d = 0; d < kDim; ++d)
      values.push_back(static_cast<float>(from[d] / std::sqrt(squares)));
  }
  return values;
}

std::vector<size_t> all_rows(size_t count) {
  std::vector<size_t> rows(count);
  for (size_t i = 0; i < count; ++i) rows[i] = i;
  return rows;
}

void expect_near(const std::vector<float>& reference, const std::vector<std::optional<Vote>>& votes,
                 double tolerance) {
  ASSERT_EQ(reference.size(), votes.size());
  for (size_t i = 0; i < votes.size(); ++i)
    ASSERT_NEAR(votes[i]->confidence, reference[i], tolerance) << i;
}

double gap_of(const std::vector<std::optional<Vote>>& votes, const std::vector<int64_t>& truth,
              int64_t nonlandmark, bool ignore) {
  std::vector<eval::RecognitionResult> results;
  for (size_t i = 0; i < votes.size(); ++i) {
    eval::RecognitionResult result{
        std::to_string(100000 + i), {}, votes[i]->landmark, votes[i]->confidence};
    if (truth[i] != nonlandmark) result.truth = {truth[i]};
    results.push_back(result);
  }
  return eval::global_average_precision(results, {.ignore_non_landmarks = ignore});
}

void expect_blend(const std::string& name, bool quantile, double tolerance) {
  const GoldenCase golden = golden_case("rerank/ps_blend");
  std::vector<float> queries = golden.f32("in_val_embeddings.npy").values;
  std::vector<float> references = golden.f32("in_train_embeddings.npy").values;
  const std::vector<int64_t> truth = golden.i64("in_val_labels.npy").values;
  const std::vector<int64_t> landmarks = golden.i64("in_train_labels.npy").values;
  const auto nonlandmark = golden.spec["parameters"]["non_landmark_label"].get<int64_t>();
  if (quantile) {
    const QuantileTransform transform(queries, kModels * kDim);
    transform.apply_unscaled(queries);
    transform.apply_unscaled(references);
  }
  std::vector<size_t> nothing;
  for (size_t i = 0; i < truth.size(); ++i)
    if (truth[i] == nonlandmark) nothing.push_back(i);
  const auto query_ids = number_ids("q", truth.size());
  const auto reference_ids = number_ids("r", landmarks.size());
  const auto nonlandmark_ids = number_ids("n", nothing.size());
  std::vector<std::vector<float>> kept;
  for (size_t m = 0; m < kModels; ++m) {
    kept.push_back(part(queries, m, all_rows(truth.size())));
    kept.push_back(part(references, m, all_rows(landmarks.size())));
    kept.push_back(part(queries, m, nothing));
  }
  std::vector<ModelRows> models;
  for (size_t m = 0; m < kModels; ++m)
    models.push_back({{kept[3 * m], query_ids, kDim},
                      {kept[3 * m + 1], reference_ids, kDim},
                      landmarks,
                      {kept[3 * m + 2], nonlandmark_ids, kDim}});
  const auto ab = recognize_penalised(models, {.of_queries = 0});
  expect_near(golden.f32(name + "_score_ab.npy").values, ab, tolerance);
  const auto labels = golden.i64(name + "_labels.npy").values;
  for (size_t i = 0; i < ab.size(); ++i) EXPECT_EQ(ab[i]->landmark, labels[i]) << i;

  // The notebook concatenates the models as they are; after the transform they are not of length 1.
  std::vector<float> nothing_values;
  for (const size_t i : nothing)
    nothing_values.insert(nothing_values.end(), queries.begin() + static_cast<long>(i * kBoth),
                          queries.begin() + static_cast<long>((i + 1) * kBoth));
  const std::vector<search::Rows> whole = {{queries, query_ids, kBoth}};
  const std::vector<search::Rows> whole_nothing = {{nothing_values, nonlandmark_ids, kBoth}};
  const auto q = concatenate(whole);
  const auto n = concatenate(whole_nothing);
  const auto penalties = [&](size_t skip) {
    return nonlandmark_similarity({q, query_ids, kBoth}, {n, nonlandmark_ids, kBoth}, 10, skip, 1);
  };
  const auto of_test = golden.f32(name + "_penalty_c_k10.npy").values;
  const auto test_penalties = penalties(0);
  for (size_t i = 0; i < ab.size(); ++i) ASSERT_NEAR(test_penalties[i], of_test[i], tolerance) << i;
  auto notebook = ab;
  const auto notebook_penalties = penalties(1);
  for (size_t i = 0; i < ab.size(); ++i) notebook[i]->confidence -= notebook_penalties[i];
  expect_near(golden.f32(name + "_score_final_notebook.npy").values, notebook, tolerance);
  if (!quantile) {
    expect_near(golden.f32(name + "_score_final_notebook.npy").values,
                recognize_penalised(models, {.skip_of_queries = 1}), tolerance);
  }

  const auto& gaps = golden.spec["results"][name];
  const double gap_tolerance = golden.spec["tolerance"]["GAP"];
  const auto expect_gap = [&](const auto& votes, bool ignore, const char* key) {
    EXPECT_NEAR(gap_of(votes, truth, nonlandmark, ignore), gaps[key].template get<double>(),
                gap_tolerance)
        << key;
  };
  expect_gap(ab, false, "gap_ab_with_nonlandmarks");
  expect_gap(ab, true, "gap_ab_ignore_nonlandmarks");
  expect_gap(notebook, false, "gap_final_with_nonlandmarks");
  expect_gap(notebook, true, "gap_final_ignore_nonlandmarks");
}

TEST(RankGolden, rerank_ps_blend_plain) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_blend("plain", false, 2e-5);
}

TEST(RankGolden, rerank_ps_blend_quantile) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_blend("quantile", true, 1e-4);
}

TEST(RankGolden, rerank_ps_blend_quantile_values) {
  CAIRN_REQUIRE_SHARED("golden");
  const GoldenCase golden = golden_case("rerank/ps_blend");
  std::vector<float> values = golden.f32("in_val_embeddings.npy").values;
  QuantileTransform(values, kModels * kDim).apply_unscaled(values);
  const auto reference = golden.f32("quantile_val_transformed_sample.npy").values;
  for (size_t i = 0; i < reference.size(); ++i) ASSERT_NEAR(values[i], reference[i], 1e-4) << i;
}

TEST(RankGolden, yolo_area_rule) {
  CAIRN_REQUIRE_SHARED("golden");
  const GoldenCase golden = golden_case("yolo/nms");
  for (const auto& row : golden.spec["area_rule"]["table"]["rows"]) {
    std::vector<ObjectBox> boxes;
    for (const auto& box : row[2]) boxes.push_back({box[0], box[1], box[2], box[3], 1});
    EXPECT_EQ(shows_objects(boxes, row[1], row[0]), row[4].get<bool>()) << row;
  }
}

TEST(filters, boxes_of_low_confidence_do_not_count) {
  const std::vector<ObjectBox> boxes = {{0, 0, 100, 100, 0.4}};
  EXPECT_FALSE(shows_objects(boxes, 100, 100));
  EXPECT_TRUE(shows_objects(boxes, 100, 100, {.confidence = 0.4}));
  EXPECT_FALSE(shows_objects(boxes, 100, 100, {.confidence = 0.4, .area_share = 1}));
}

TEST(filters, landmarks_named_too_often_are_rejected_or_go_last) {
  std::vector<std::optional<Vote>> votes = {Vote{1, 3}, Vote{1, 2}, Vote{2, 1}, std::nullopt};
  EXPECT_EQ(named_too_often(votes, 0), std::vector<bool>(4, false));
  EXPECT_EQ(named_too_often(votes, 2), std::vector<bool>(4, false));
  const auto marked = named_too_often(votes, 1);
  EXPECT_EQ(marked, (std::vector<bool>{true, true, false, false}));
  auto last = votes;
  reject(last, marked, Rejected::kLast);
  EXPECT_LT(last[0]->confidence, last[2]->confidence);
  EXPECT_LT(last[1]->confidence, last[0]->confidence);
  reject(votes, marked, Rejected::kEmpty);
  EXPECT_FALSE(votes[0] || votes[1]);
  EXPECT_TRUE(votes[2]);
}

TEST(recognize_penalised, without_nonlandmarks_is_the_plain_vote) {
  const std::vector<float> queries = {1, 0, 0.6F, 0.8F};
  const std::vector<float> references = {0.8F, 0.6F, 0, 1, 1, 0};
  const auto q = number_ids("q", 2);
  const auto r = number_ids("r", 3);
  const std::vector<int64_t> landmarks = {4, 5, 4};
  const ModelRows model{{queries, q, 2}, {references, r, 2}, landmarks, {}};
  const auto plain = recognize(model.queries, model.references, landmarks, {.top_k = 2});
  const auto penalised = recognize_penalised(std::vector{model}, {.top_k = 2});
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(plain[i]->landmark, penalised[i]->landmark);
    EXPECT_DOUBLE_EQ(plain[i]->confidence, penalised[i]->confidence);
  }
}

}  // namespace
}  // namespace cairn::rank
