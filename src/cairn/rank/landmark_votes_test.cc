#include "cairn/rank/landmark_votes.h"

#include <gtest/gtest.h>

#include <string>

namespace cairn::rank {
namespace {

TEST(vote, two_weaker_references_of_one_landmark_beat_a_stronger_one) {
  const std::vector<Neighbour> neighbours = {{5, 0.9}, {8, 0.6}, {8, 0.5}};
  const auto winner = vote(neighbours);
  ASSERT_TRUE(winner.has_value());
  EXPECT_EQ(winner->landmark, 8);
  EXPECT_DOUBLE_EQ(winner->confidence, 1.1);
}

TEST(vote, takes_the_smaller_id_where_sums_are_equal) {
  const std::vector<Neighbour> neighbours = {{9, 0.5}, {-2, 0.5}, {7, 0.5}};
  EXPECT_EQ(vote(neighbours)->landmark, -2);
}

TEST(vote, answers_with_negative_similarities_and_not_without_neighbours) {
  const std::vector<Neighbour> neighbours = {{1, -0.5}, {2, -0.25}};
  EXPECT_EQ(vote(neighbours)->landmark, 2);
  EXPECT_FALSE(vote({}).has_value());
}

TEST(recognize, lets_only_the_nearest_references_vote) {
  const std::vector<float> queries = {1, 0};
  const std::vector<std::string> query_ids = {"q"};
  const std::vector<float> references = {1, 0, 0.8F, 0.6F, 0.6F, 0.8F, 0.6F, -0.8F};
  const std::vector<std::string> reference_ids = {"a", "b", "c", "d"};
  const std::vector<int64_t> landmarks = {10, 20, 20, 20};
  const auto answer = [&](size_t top_k) {
    RecognizeOptions options;
    options.top_k = top_k;
    return recognize({queries, query_ids, 2}, {references, reference_ids, 2}, landmarks, options)
        .at(0);
  };
  EXPECT_EQ(answer(1)->landmark, 10);
  EXPECT_EQ(answer(2)->landmark, 10);
  EXPECT_EQ(answer(3)->landmark, 20);
  EXPECT_NEAR(answer(3)->confidence, 1.4, 1e-6);
}

}  // namespace
}  // namespace cairn::rank
