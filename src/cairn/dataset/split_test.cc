#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cairn/base/error.h"
#include "cairn/dataset/photos.h"

namespace cairn::dataset {
namespace {

// Landmark l has l photos, for l = 1 … 20, in mixed order.
std::vector<int64_t> landmarks_of_all_sizes() {
  std::vector<int64_t> landmarks;
  for (int64_t round = 1; round <= 20; ++round) {
    for (int64_t landmark = round; landmark <= 20; ++landmark) landmarks.push_back(landmark);
  }
  return landmarks;
}

TEST(StratifiedSplit, takes_the_share_of_each_landmark) {
  const std::vector<int64_t> landmarks = landmarks_of_all_sizes();
  const Split split = stratified_split(landmarks, 0.2, 5);
  std::map<int64_t, int64_t> validation;
  for (const size_t i : split.validation) ++validation[landmarks[i]];
  EXPECT_EQ(validation[1], 0);
  for (const auto& [landmark, expected] : std::map<int64_t, int64_t>{
           {2, 1}, {3, 1}, {7, 1}, {8, 2}, {10, 2}, {12, 2}, {13, 3}, {20, 4}}) {
    EXPECT_EQ(validation[landmark], expected) << landmark;
  }
}

TEST(StratifiedSplit, leaves_every_landmark_a_training_photo) {
  const std::vector<int64_t> landmarks = landmarks_of_all_sizes();
  const Split split = stratified_split(landmarks, 0.99, 5);
  std::map<int64_t, int64_t> training;
  for (const size_t i : split.train) ++training[landmarks[i]];
  for (int64_t landmark = 1; landmark <= 20; ++landmark) EXPECT_EQ(training[landmark], 1);
}

TEST(StratifiedSplit, gives_every_position_to_one_part_in_ascending_order) {
  const Split split = stratified_split(landmarks_of_all_sizes(), 0.3, 5);
  EXPECT_TRUE(std::is_sorted(split.train.begin(), split.train.end()));
  EXPECT_TRUE(std::is_sorted(split.validation.begin(), split.validation.end()));
  std::vector<size_t> all;
  std::merge(split.train.begin(), split.train.end(), split.validation.begin(),
             split.validation.end(), std::back_inserter(all));
  ASSERT_EQ(all.size(), 210U);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i);
}

TEST(StratifiedSplit, depends_on_the_seed_alone) {
  const std::vector<int64_t> landmarks = landmarks_of_all_sizes();
  EXPECT_EQ(stratified_split(landmarks, 0.3, 5).validation,
            stratified_split(landmarks, 0.3, 5).validation);
  EXPECT_NE(stratified_split(landmarks, 0.3, 5).validation,
            stratified_split(landmarks, 0.3, 6).validation);
}

TEST(StratifiedSplit, fraction_zero_validates_nothing_and_others_out_of_range_are_errors) {
  EXPECT_TRUE(stratified_split(landmarks_of_all_sizes(), 0, 1).validation.empty());
  EXPECT_THROW(stratified_split({1, 1}, 1, 1), Error);
  EXPECT_THROW(stratified_split({1, 1}, -0.1, 1), Error);
  EXPECT_THROW(stratified_split({1, 1}, NAN, 1), Error);
}

}  // namespace
}  // namespace cairn::dataset
