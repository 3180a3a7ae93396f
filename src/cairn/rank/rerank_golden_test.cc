// Re-ranking against the code of Zhang et al. 2021 (its quirks by the options that name them).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/testing/testing.h"
#include "cairn/eval/submission.h"
#include "cairn/rank/landmark_votes.h"
#include "cairn/rank/rerank.h"

namespace cairn::rank {
namespace {

using testing::golden_case;
using testing::GoldenCase;

constexpr double kTolerance = 2e-5;
constexpr double kHalfTolerance = 2e-3;
constexpr size_t kTop = 100;

struct Set {
  std::vector<float> values;
  std::vector<std::string> ids;
  size_t dim = 0;
  search::Rows rows() const { return {values, ids, dim}; }
};

// The inputs of the case; ids of references are their row numbers.
class RerankGolden : public ::testing::Test {
 protected:
  void SetUp() override {
    CAIRN_REQUIRE_SHARED("golden");
    golden_ = golden_case("rerank/synthetic");
    const auto names = golden_.json("in_names.json");
    const auto query_ids = names["query"].get<std::vector<std::string>>();
    const auto index_ids = names["index"].get<std::vector<std::string>>();
    landmarks_ = golden_.i64("in_ref_gbid.npy").values;
    countries_ = golden_.i64("in_ref_loc.npy").values;
    std::vector<std::string> reference_ids;
    for (size_t i = 0; i < landmarks_.size(); ++i)
      reference_ids.push_back(std::to_string(100000 + i));
    for (const std::string model : {"", "2"}) {
      queries_.push_back(set("in_probe" + model, query_ids));
      index_.push_back(set("in_index" + model, index_ids));
      references_.push_back(set("in_ref" + model, reference_ids));
    }
    options_.threads = 1;
  }

  Set set(const std::string& file, const std::vector<std::string>& ids) const {
    auto array = golden_.f32(file + "_feats.npy");
    return {std::move(array.values), ids, static_cast<size_t>(array.shape[1])};
  }

  RerankModel model(size_t m, double weight = 1) const {
    return {queries_[m].rows(), index_[m].rows(), references_[m].rows(),
            landmarks_,         countries_,       weight};
  }

  void expect_values(const std::string& file, std::span<const float> values,
                     double tolerance) const {
    const std::vector<float> expected = golden_.f32(file).values;
    ASSERT_EQ(expected.size(), values.size()) << file;
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_NEAR(values[i], expected[i], tolerance) << file << " " << i;
  }

  // The order of the 100 best photos, up to swaps of photos that are as good as equally similar.
  void expect_ranking(const std::string& file, const Similarities& similarities) const {
    const auto expected = eval::read_retrieval_submission(golden_.folder / file);
    const auto& ids = index_[0].ids;
    const auto best = best_photos(similarities, ids, kTop, 1);
    ASSERT_EQ(expected.size(), best.size());
    size_t swaps = 0;
    for (size_t q = 0; q < best.size(); ++q) {
      EXPECT_EQ(expected[q].id, queries_[0].ids[q]);
      ASSERT_EQ(expected[q].images.size(), kTop);
      for (size_t r = 0; r < kTop; ++r) {
        if (expected[q].images[r] == ids[best[q][r].row]) continue;
        ++swaps;
        const auto row = std::find(ids.begin(), ids.end(), expected[q].images[r]) - ids.begin();
        EXPECT_NEAR(similarities.row(q)[static_cast<size_t>(row)], best[q][r].score, 1e-6)
            << file << " query " << q << " rank " << r;
      }
    }
    EXPECT_LE(swaps, 4U) << file;
  }

  void expect_tags(const std::string& file, const std::vector<ScoredTag>& tags) const {
    const auto expected = golden_.i64(file + ".npy").values;
    ASSERT_EQ(expected.size(), tags.size());
    for (size_t q = 0; q < tags.size(); ++q) EXPECT_EQ(tags[q].tag, expected[q]) << file << q;
  }

  void expect_scores(const std::string& file, const std::vector<ScoredTag>& tags) const {
    std::vector<float> scores;
    for (const ScoredTag& tag : tags) scores.push_back(static_cast<float>(tag.score));
    expect_values(file + ".npy", scores, 1e-5);
  }

  search::ExactIndex exact(const Set& set) const { return search::ExactIndex(set.rows(), 1); }

  GoldenCase golden_;
  std::vector<Set> queries_, index_, references_;  // of both models
  std::vector<int64_t> landmarks_, countries_;
  RerankOptions options_;
};

TEST_F(RerankGolden, cosine_similarities) {
  const auto similarities = reranked_similarities(std::vector{model(0)}, options_);
  expect_values("cos.npy", similarities.values, kTolerance);
  expect_ranking("ranking_cos.csv", similarities);
}

TEST_F(RerankGolden, jaccard_distances_within_a_set) {
  const auto rows = golden_.i64("slice_index.npy").values;
  std::vector<float> all;
  for (size_t q = 0; q < queries_[0].ids.size(); ++q) {
    Set nodes{{}, {}, queries_[0].dim};
    const auto add = [&](const float* row) {
      nodes.values.insert(nodes.values.end(), row, row + nodes.dim);
      nodes.ids.push_back(std::to_string(1000 + nodes.ids.size()));
    };
    add(queries_[0].rows().row(q));
    for (size_t i = 0; i < 100; ++i)
      add(index_[0].rows().row(static_cast<size_t>(rows[q * 100 + i])));
    const auto distances = set_jaccard(nodes.rows(), 10, 3);
    all.insert(all.end(), distances.begin(), distances.end());
  }
  expect_values("slice_jaccard.npy", all, kTolerance);
}

TEST_F(RerankGolden, fast_k_reciprocal) {
  options_.k_reciprocal = KReciprocal::kFast;
  const auto similarities = reranked_similarities(std::vector{model(0)}, options_);
  expect_values("kr_rerank_fast.npy", similarities.values, kTolerance);
  expect_ranking("ranking_kr_rerank_fast.csv", similarities);
}

TEST_F(RerankGolden, k_reciprocal_of_the_paper_in_single_and_half_precision) {
  struct Case {
    size_t k1, k2;
    std::string name;
  };
  for (const Case& c : {Case{10, 3, "10_3"}, Case{20, 6, "20_6"}, Case{50, 15, "50_15"}}) {
    KReciprocalOptions options{.k1 = c.k1, .k2 = c.k2, .lambda = 0.3, .threads = 1};
    const auto distances = [&] {
      return k_reciprocal_distances(queries_[0].rows(), index_[0].rows(), options).values;
    };
    expect_values("re_ranking_" + c.name + "_0.3_f32.npy", distances(), kTolerance);
    options.half = true;
    expect_values("re_ranking_" + c.name + "_0.3_f16.npy", distances(), kTolerance);
  }
}

TEST_F(RerankGolden, k_reciprocal_with_cosine_distances_and_its_fusion) {
  options_.k_reciprocal = KReciprocal::kFull;
  options_.full = {.k1 = 10, .k2 = 3, .lambda = 0.3, .scaled = false, .threads = 1};
  expect_values("kr_rerank_disk_f32.npy",
                reranked_similarities(std::vector{model(0)}, options_).values, kTolerance);
  options_.full.half = true;
  expect_values("kr_rerank_disk_f16.npy",
                reranked_similarities(std::vector{model(0)}, options_).values, kHalfTolerance);
  expect_values("fusion_kr_sims.npy",
                reranked_similarities(std::vector{model(0), model(1, 0.7)}, options_).values,
                kHalfTolerance);
}

TEST_F(RerankGolden, tags_of_queries_and_index) {
  const auto rows = exact(references_[0]);
  const References references{&rows, landmarks_, countries_};
  const PhotoTags photos = tag_photos(index_[0].rows(), references, {.threads = 1});
  EXPECT_EQ(photos.landmarks, golden_.i64("index_tags.npy").values);
  EXPECT_EQ(photos.countries, golden_.i64("index_locs.npy").values);

  const auto tags = tag_queries(queries_[0].rows(), references, 3, {.threads = 1});
  const auto expected = golden_.json("probe_tags_topk.json");
  const auto expect_same = [](const std::vector<ScoredTag>& its, const nlohmann::json& ids,
                              const nlohmann::json& scores) {
    ASSERT_EQ(its.size(), ids.size());
    for (size_t t = 0; t < its.size(); ++t) {
      EXPECT_EQ(its[t].tag, ids[t].get<int64_t>());
      EXPECT_NEAR(its[t].score, scores[t].get<double>(), 1e-5);
    }
  };
  for (size_t q = 0; q < tags.size(); ++q) {
    expect_same(tags[q].landmarks, expected["tags"][q], expected["tag_scores"][q]);
    expect_same(tags[q].countries, expected["countries"][q], expected["country_scores"][q]);
  }

  const auto votes =
      recognize(queries_[0].rows(), references_[0].rows(), landmarks_, {.top_k = 3, .threads = 1});
  std::vector<ScoredTag> voted;
  for (const auto& vote : votes) voted.push_back({vote.value().landmark, vote->confidence});
  expect_tags("probe_tags", voted);
  expect_scores("probe_tag_sums", voted);

  // The reference returns the number of the tag among the sorted ones, not the tag.
  std::vector<int64_t> sorted = landmarks_;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  auto by_mean = nearest_mean_tags(queries_[0].rows(), references_[0].rows(), landmarks_, 1);
  for (ScoredTag& tag : by_mean)
    tag.tag = std::lower_bound(sorted.begin(), sorted.end(), tag.tag) - sorted.begin();
  expect_tags("probe_tags_avg", by_mean);

  const auto by_index_mean =
      nearest_mean_tags(queries_[0].rows(), index_[0].rows(), photos.landmarks, 1);
  expect_tags("probe_tags_index_avg", by_index_mean);
  expect_scores("probe_tags_index_avg_score", by_index_mean);
  const auto by_index = nearest_row_tags(queries_[0].rows(), exact(index_[0]), photos.landmarks, 1);
  expect_tags("probe_tags_index_single", by_index);
  expect_scores("probe_tags_index_single_score", by_index);
}

TEST_F(RerankGolden, landmark_country) {
  options_.method = TagMethod::kLandmarkCountry;
  const auto similarities = reranked_similarities(std::vector{model(0)}, options_);
  expect_values("after_merge.npy", similarities.values, kTolerance);
  expect_ranking("ranking_after_merge.csv", similarities);
}

TEST_F(RerankGolden, category_reranking_and_expansion) {
  options_.method = TagMethod::kCategory;
  options_.tag_by = TagBy::kCosine;
  auto similarities = reranked_similarities(std::vector{model(0)}, options_);
  expect_values("before_merge_fn.npy", similarities.values, 1e-6);
  expect_ranking("ranking_before_merge_fn.csv", similarities);
  options_.method = TagMethod::kCategoryExpansion;
  similarities = reranked_similarities(std::vector{model(0)}, options_);
  expect_values("category_expansion.npy", similarities.values, 1e-6);
  expect_ranking("ranking_category_expansion.csv", similarities);
}

TEST_F(RerankGolden, fusion_of_two_models) {
  const std::vector models = {model(0), model(1, 0.7)};
  const auto expect = [&](const std::string& name) {
    const auto similarities = reranked_similarities(models, options_);
    expect_values("fusion_" + name + "_sims.npy", similarities.values, kTolerance);
    expect_ranking("fusion_" + name + ".csv", similarities);
  };
  expect("off");
  options_.method = TagMethod::kLandmarkCountry;
  expect("before_merge");
  options_.before_merge = false;
  expect("after_merge");
}

TEST_F(RerankGolden, diffusion_over_most_and_least_similar_neighbours) {
  Set both{queries_[0].values, {}, queries_[0].dim};
  both.values.insert(both.values.end(), index_[0].values.begin(), index_[0].values.end());
  for (size_t i = 0; i < both.values.size() / both.dim; ++i)
    both.ids.push_back(std::to_string(1000 + i));
  for (const size_t iterations : {1U, 2U}) {
    for (const bool least : {false, true}) {
      const auto values =
          diffuse(both.rows(), {.iterations = iterations, .least_similar = least, .threads = 1});
      expect_values(std::string("fac_") + (least ? "asis_" : "descending_") +
                        std::to_string(iterations) + ".npy",
                    values, 1e-5);
    }
  }
}

TEST_F(RerankGolden, merged_tags) {
  const auto spec = golden_.json("merge_tags.json");
  const auto tags = spec["tags"].get<std::vector<std::vector<int64_t>>>();
  const auto scores = spec["scores"].get<std::vector<std::vector<double>>>();
  const auto weights = spec["weight"].get<std::vector<double>>();
  const auto expect = [&](const std::string& name, size_t models, bool weighted) {
    const auto expected = spec["results"][name].get<std::vector<int64_t>>();
    for (size_t i = 0; i < expected.size(); ++i) {
      std::vector<ScoredTag> of_models;
      for (size_t m = 0; m < models; ++m) of_models.push_back({tags[m][i], scores[m][i]});
      const auto its = weighted ? std::vector(weights.begin(), weights.begin() + long(models))
                                : std::vector<double>(models, 1);
      EXPECT_EQ(merge_tags(of_models, its, true), expected[i]) << name << " " << i;
    }
  };
  expect("weighted", 4, true);
  expect("unweighted", 4, false);
  expect("two_models", 2, true);
}

}  // namespace
}  // namespace cairn::rank
