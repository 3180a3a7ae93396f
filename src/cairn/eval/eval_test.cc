#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/eval/average_precision.h"
#include "cairn/eval/cbir.h"
#include "cairn/eval/gap.h"
#include "cairn/eval/holidays.h"
#include "cairn/eval/reid.h"
#include "cairn/eval/retrieval.h"
#include "cairn/eval/revisited.h"

namespace cairn::eval {
namespace {

TEST(gap, accepts_any_of_a_querys_landmarks) {
  const std::vector<RecognitionResult> results = {{"a", {7, 9}, 9, 0.5}, {"b", {7, 9}, 8, 0.4}};
  EXPECT_DOUBLE_EQ(global_average_precision(results), 0.5);
  EXPECT_DOUBLE_EQ(top1_accuracy(results), 0.5);
}

TEST(gap, counts_an_unanswered_landmark_as_missed) {
  const std::vector<RecognitionResult> results = {{"a", {7}, 7, 0.5}, {"b", {9}, {}, 0}};
  EXPECT_DOUBLE_EQ(global_average_precision(results), 0.5);
}

TEST(gap, is_zero_without_landmarks) {
  const std::vector<RecognitionResult> results = {{"a", {}, 7, 0.5}};
  EXPECT_EQ(global_average_precision(results), 0);
  EXPECT_EQ(top1_accuracy(results), 0);
}

TEST(average_precision, forms_agree_with_hand_computed_values) {
  const std::vector<bool> marks = {false, true, true};
  EXPECT_DOUBLE_EQ(average_precision(marks, 4), (1.0 / 2 + 2.0 / 3) / 4);
  EXPECT_DOUBLE_EQ(trapezoidal_average_precision(marks, 2),
                   ((0.0 / 1 + 1.0 / 2) / 2 + (1.0 / 2 + 2.0 / 3) / 2) / 2);
  EXPECT_DOUBLE_EQ(interpolated_average_precision({0, 0.5, 2.0 / 3}, {0, 0.5, 1}), 2.0 / 3);
  EXPECT_EQ(average_precision({}, 0), 0);
}

TEST(retrieval, divides_by_the_cutoff_where_more_is_relevant) {
  const RetrievalResult result{"q", {"a", "b"}, {"a", "b", "c"}};
  EXPECT_DOUBLE_EQ(average_precision_at(result, 2), 1);
  EXPECT_DOUBLE_EQ(average_precision_at(result, 100), 2.0 / 3);
}

TEST(retrieval, does_not_count_an_image_twice) {
  const RetrievalResult result{"q", {"a", "a", "b"}, {"a", "b"}};
  EXPECT_DOUBLE_EQ(average_precision_at(result, 100), (1.0 + 2.0 / 3) / 2);
}

TEST(retrieval, cmc_rises_at_the_first_relevant_image) {
  const std::vector<RetrievalResult> results = {{"q", {"x", "a"}, {"a"}}, {"r", {}, {"a"}}};
  const RetrievalScores scores = score_retrieval(results, 3);
  EXPECT_EQ(scores.cmc, (std::vector<double>{0, 0.5, 0.5}));
  EXPECT_DOUBLE_EQ(scores.mean_position, (2 + 4) / 2.0);
  EXPECT_DOUBLE_EQ(scores.median_position, (2 + 4) / 2.0);
}

TEST(retrieval, refuses_queries_without_relevant_images) {
  const std::vector<RetrievalResult> results = {{"q", {"x"}, {}}};
  EXPECT_THROW(score_retrieval(results), Error);
  EXPECT_THROW(score_retrieval({}), Error);
}

TEST(cbir, scores_zero_for_a_query_without_predictions) {
  const std::vector<CbirQuery> queries = {{"q", {"a"}, {}, {}}};
  const CbirScores scores = score_cbir(queries, CbirMetric::kVoc);
  EXPECT_EQ(scores.map, 0);
  EXPECT_EQ(scores.valid_queries, 1U);
}

TEST(reid, refuses_distances_of_another_size) {
  const std::vector<float> distances = {1, 2, 3};
  const std::vector<ReidImage> images = {{1, 1}, {1, 2}};
  EXPECT_THROW(score_reid(distances, images, images), Error);
}

TEST(reid, counts_hits_by_group_up_to_the_maximal_rank) {
  const std::vector<float> distances = {0.1F, 0.2F, 0.3F};
  const std::vector<ReidImage> query = {{1, 5}};
  const std::vector<ReidImage> gallery = {{1, 5}, {2, 5}, {1, 5}};
  EXPECT_DOUBLE_EQ(score_reid_by_group(distances, query, gallery, 1).map, 0.5);
  EXPECT_GT(score_reid_by_group(distances, query, gallery, 3).map, 0.5);
}

TEST(revisited, counts_positives_that_the_ranking_lacks_as_not_found) {
  const std::vector<std::vector<int64_t>> rankings = {{3}};
  const std::vector<RevisitedTruth> truth = {{{1}, {}, {3}}};
  const std::vector<size_t> cutoffs = {1};
  const RevisitedScores scores =
      score_revisited(rankings, truth, RevisitedProtocol::kEasy, cutoffs);
  EXPECT_EQ(scores.map, 0);
  EXPECT_EQ(scores.mean_precision.at(0), 0);
}

TEST(holidays, takes_the_first_photo_of_a_group_as_its_query) {
  const auto queries =
      holidays_queries({"100102", "100100", "100200", "100301", "100302", "100400", "100401"});
  ASSERT_EQ(queries.size(), 2U);  // 1002 is alone, 1003 lacks its first photo
  EXPECT_EQ(queries[0].id, "100100");
  EXPECT_EQ(queries[0].relevant, std::vector<std::string>{"100102"});
  EXPECT_EQ(queries[1].id, "100400");
  EXPECT_THROW(holidays_queries({"1"}), Error);
}

}  // namespace
}  // namespace cairn::eval
