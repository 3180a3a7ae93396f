#include "cairn/rank/rerank.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <memory>

#include "cairn/base/files.h"
#include "cairn/base/npy.h"
#include "cairn/base/random.h"
#include "cairn/base/testing/testing.h"
#include "cairn/search/testing/same_hits.h"
#include "cairn/search/testing/sets.h"

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

// Whatever lies beside the rows: a search index, lists of neighbours of this run or an earlier one.
TEST(rerank, answers_alike_with_what_is_kept_beside_the_embeddings) {
  using search::testing::clustered_set;
  const search::testing::Set queries = clustered_set("q", 5, 12, 1);
  const search::testing::Set index = clustered_set("i", 90, 12, 2);
  const search::testing::Set references = clustered_set("r", 200, 12, 3);
  std::vector<int64_t> landmarks;
  for (int64_t i = 0; i < 200; ++i) landmarks.push_back(i % 7);
  const cairn::testing::TempDir folder;
  std::vector<std::unique_ptr<const search::StoredIndex>> stored;
  for (const auto& [name, set] :
       {std::pair("index", &index), std::pair("references", &references)}) {
    make_folder(folder / name);
    write_npy(folder / name / "embeddings.npy",
              std::array{static_cast<int64_t>(set->ids.size()), int64_t{12}}, set->values);
    std::string ids;
    for (const std::string& id : set->ids) ids += id + "\n";
    write_text_atomically(folder / name / "ids.txt", ids);
    search::write_stored_index(folder / name, 1);
    stored.push_back(search::StoredIndex::open(folder / name).value_or_throw(name));
  }
  RerankModel model{queries.rows(), index.rows(), references.rows(), landmarks, {}};
  RerankOptions options{.k_reciprocal = KReciprocal::kFast,
                        .method = TagMethod::kLandmarkCountry,
                        .top = 90,
                        .threads = 1};
  const auto lists = [&] { return rerank(std::span(&model, 1), options); };
  const auto plain = lists();
  model.beside_index = {stored[0].get(), folder / "index"};
  model.beside_references = {stored[1].get(), folder / "references"};
  search::testing::expect_same(lists(), plain);
  for (const char* file :
       {"index/neighbours.cairn", "index/nearest.cairn", "references/neighbours.cairn"})
    EXPECT_TRUE(fs::exists(folder / file)) << file;
  search::testing::expect_same(lists(), plain);
  // Features that diffusion changes are not those of the folder.
  options.diffusion.iterations = 1;
  const auto diffused = lists();
  model.beside_index = model.beside_references = {};
  search::testing::expect_same(diffused, lists());
}

}  // namespace
}  // namespace cairn::rank
