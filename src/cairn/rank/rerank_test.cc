#include "cairn/rank/rerank.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cairn/base/random.h"

namespace cairn::rank {
namespace {

struct Set {
  std::vector<float> values;
  std::vector<std::string> ids;
  size_t dim = 2;
  search::Rows rows() const { return {values, ids, dim}; }
};

TEST(query_expansion, is_the_mean_with_the_best_photos_or_weighted_by_similarity) {
  const Set queries{{1, 0}, {"q"}};
  const Set index{{0.6F, 0.8F, 0, 1, -1, 0}, {"a", "b", "c"}};
  const search::ExactIndex exact(index.rows(), 1);
  const auto expand = [&](size_t photos, double alpha) {
    return expand_queries(queries.rows(), exact, {photos, alpha, 1});
  };
  EXPECT_EQ(expand(0, 0), queries.values);
  const auto mean = expand(1, 0);
  EXPECT_NEAR(mean[1] / mean[0], 0.8 / 1.6, 1e-6);
  const double weight = std::pow(0.6, 3);
  const auto weighted = expand(3, 3);  // b counts 0, c is opposite and counts nothing
  EXPECT_NEAR(weighted[1] / weighted[0], weight * 0.8 / (1 + weight * 0.6), 1e-6);
  EXPECT_NEAR(std::hypot(weighted[0], weighted[1]), 1, 1e-6);
}

class Tagged : public ::testing::Test {
 protected:
  // Photo b shows the query's landmark from a side the query does not resemble.
  Set queries_{{1, 0}, {"q"}};
  Set index_{{0.8F, 0.6F, 0.6F, -0.8F, 0, 1}, {"a", "b", "c"}};
  Set references_{{0.96F, -0.28F, 0.6F, -0.8F, 0.6F, 0.8F, 0, 1}, {"r", "s", "t", "u"}};
  std::vector<int64_t> landmarks_ = {7, 7, -1, -1};
  std::vector<int64_t> countries_ = {1, 1, 2, 2};
  RerankOptions options_{.method = TagMethod::kLandmarkCountry, .tags = 1, .threads = 1};

  std::string order() {
    const RerankModel model{queries_.rows(), index_.rows(), references_.rows(),
                            landmarks_,      countries_,    1};
    std::string ids;
    const auto lists = rerank(std::vector{model}, options_);
    for (const search::Hit& hit : lists.at(0)) ids += index_.ids[hit.row];
    return ids;
  }
};

TEST_F(Tagged, photos_of_the_querys_landmark_come_first) {
  EXPECT_EQ(order(), "bac");
  options_.bonus.alpha = 0;
  EXPECT_EQ(order(), "abc");
  options_.bonus.beta = 0.5;
  EXPECT_EQ(order(), "bac");
  options_.method = TagMethod::kNone;
  EXPECT_EQ(order(), "abc");
}

TEST_F(Tagged, photos_below_the_threshold_get_no_bonus) {
  options_.bonus.threshold = 0.61;
  EXPECT_EQ(order(), "abc");
  options_.bonus.threshold = 0.59;
  EXPECT_EQ(order(), "bac");
  options_.before_merge = false;
  EXPECT_EQ(order(), "bac");
  options_.bonus.threshold = 0.61;
  EXPECT_EQ(order(), "abc");
}

TEST_F(Tagged, no_landmark_is_no_landmark_in_common) {
  queries_.values = {0.6F, 0.8F};
  landmarks_ = {7, 7, -1, -1};
  countries_ = {-1, -1, -1, -1};
  EXPECT_EQ(order(), "acb");
}

TEST_F(Tagged, every_way_to_tag_queries_has_its_answer) {
  for (const TagBy by : {TagBy::kKReciprocal, TagBy::kCosine, TagBy::kMean, TagBy::kIndexMean}) {
    options_.tag_by = by;
    EXPECT_EQ(order(), "bac") << static_cast<int>(by);
  }
  options_.tag_by = TagBy::kIndex;  // the nearest index photo, a, shows no landmark
  EXPECT_EQ(order(), "abc");
}

TEST(k_reciprocal, copies_of_a_photo_do_not_push_each_other_out) {
  Set queries{{1, 0}, {"q"}};
  Set index;
  for (int i = 0; i < 30; ++i) {
    index.values.insert(index.values.end(), {1, 0});
    index.ids.push_back("copy" + std::to_string(i));
  }
  const auto distances =
      k_reciprocal_distances(queries.rows(), index.rows(), {.k1 = 3, .k2 = 2, .threads = 1});
  for (const float distance : distances.values) EXPECT_TRUE(std::isfinite(distance));
}

TEST(fast_k_reciprocal, answers_with_fewer_photos_than_neighbours) {
  const Set queries{{1, 0}, {"q"}};
  const Set index{{0.8F, 0.6F, 1, 0}, {"a", "b"}};
  const auto hits =
      fast_k_reciprocal(queries.rows(), search::ExactIndex(index.rows(), 1), {.threads = 1});
  ASSERT_EQ(hits.at(0).size(), 2U);
  EXPECT_EQ(hits[0][0].row, 1U);
}

}  // namespace
}  // namespace cairn::rank
