#include "cairn/dataset/oversample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/base/testing/testing.h"
#include "cairn/dataset/photos.h"

namespace cairn::dataset {
namespace {

std::map<int64_t, std::vector<int>> copies_by_landmark(const std::vector<int64_t>& landmarks,
                                                       const std::vector<size_t>& chosen) {
  std::vector<int> copies(landmarks.size(), 0);
  for (const size_t i : chosen) ++copies[i];
  std::map<int64_t, std::vector<int>> sorted;
  for (size_t i = 0; i < landmarks.size(); ++i) sorted[landmarks[i]].push_back(copies[i]);
  for (auto& entry : sorted) std::sort(entry.second.begin(), entry.second.end());
  return sorted;
}

std::vector<int64_t> golden_landmarks() {
  std::vector<int64_t> landmarks;
  for (const Label& label :
       read_labels(testing::shared_dir() / "golden/lists/gldv2/root/train/train.csv"))
    landmarks.push_back(label.landmark);
  return landmarks;
}

void expect_golden(const std::string& name, const OversampleOptions& options) {
  const auto reference =
      testing::golden_case("lists/oversampling").json("result.json")["oversampling"][name];
  const std::vector<int64_t> landmarks = golden_landmarks();
  const std::vector<size_t> chosen = oversample(landmarks, options, 1);
  EXPECT_EQ(chosen.size(), reference["rows"].get<size_t>());
  for (const auto& [landmark, copies] : copies_by_landmark(landmarks, chosen)) {
    int sum = 0;
    for (const int count : copies) sum += count;
    const std::string key = std::to_string(landmark);
    EXPECT_EQ(sum, reference["class_counts"][key].get<int>()) << key;
    if (!reference["copies_per_image_sorted"].is_null()) {
      EXPECT_EQ(copies, reference["copies_per_image_sorted"][key].get<std::vector<int>>()) << key;
    }
  }
}

TEST(OversampleGolden, by_value_and_up_to_the_largest) {
  CAIRN_REQUIRE_SHARED("golden");
  expect_golden("by_value_5", {.to = "value", .value = 5});
  expect_golden("by_value_10", {.to = "value", .value = 10});
  // The reference's down-sampling changes nothing: it is by_value without downsample.
  expect_golden("by_value_5_downsample_true", {.to = "value", .value = 5});
  expect_golden("up_to_max", {.to = "largest"});
}

// sklearn's stratified split of the repeated rows, in counts.
TEST(OversampleGolden, reference_split_counts) {
  CAIRN_REQUIRE_SHARED("golden");
  const auto result = testing::golden_case("lists/oversampling").json("result.json");
  std::map<int64_t, int64_t> counts;
  for (const auto& [key, count] : result["oversampling"]["by_value_5"]["class_counts"].items())
    counts[std::stoll(key)] = count;
  const std::map<int64_t, SplitCounts> split = reference_split_counts(counts, 0.2);
  int64_t validation = 0;
  for (const auto& [landmark, parts] : split) {
    const auto reference = result["split"]["per_class"][std::to_string(landmark)];
    EXPECT_NEAR(static_cast<double>(parts.train), reference[0].get<double>(), 1) << landmark;
    EXPECT_NEAR(static_cast<double>(parts.validation), reference[1].get<double>(), 1) << landmark;
    if (counts[landmark] % 5 == 0) {
      EXPECT_EQ(parts.train, reference[0].get<int64_t>()) << landmark;
      EXPECT_EQ(parts.validation, reference[1].get<int64_t>()) << landmark;
    }
    validation += parts.validation;
  }
  EXPECT_EQ(validation, result["split"]["n_val"].get<int64_t>());
}

TEST(Oversample, downsamples_and_names_a_landmark_without_photos) {
  const std::vector<int64_t> landmarks = {1, 1, 1, 1, 2, 2, 3};
  const auto to_two =
      oversample(landmarks, {.to = "landmark", .landmark = 2, .downsample = true}, 3);
  const auto copies = copies_by_landmark(landmarks, to_two);
  EXPECT_EQ(copies.at(1), (std::vector<int>{0, 0, 1, 1}));
  EXPECT_EQ(copies.at(2), (std::vector<int>{1, 1}));
  EXPECT_EQ(copies.at(3), (std::vector<int>{2}));
  EXPECT_EQ(oversample(landmarks, {}, 3).size(), landmarks.size());
  EXPECT_THROW(oversample(landmarks, {.to = "landmark", .landmark = 8}, 3), Error);
}

TEST(StratifiedFold, puts_every_photo_into_one_validation_part_and_leaves_each_landmark_a_photo) {
  const std::vector<int64_t> landmarks = {1, 1, 1, 1, 1, 2, 2, 3};
  std::vector<int> validated(landmarks.size(), 0);
  for (int fold = 0; fold < 3; ++fold) {
    const Split split = stratified_fold(landmarks, 3, fold, 7);
    EXPECT_EQ(split.train.size() + split.validation.size(), landmarks.size());
    for (const size_t i : split.validation) ++validated[i];
    for (const int64_t landmark : {1, 2, 3})
      EXPECT_TRUE(std::any_of(split.train.begin(), split.train.end(),
                              [&](size_t i) { return landmarks[i] == landmark; }));
  }
  EXPECT_EQ(validated, (std::vector<int>{1, 1, 1, 1, 1, 1, 1, 0}));
  EXPECT_THROW(stratified_fold(landmarks, 3, 3, 7), Error);
}

}  // namespace
}  // namespace cairn::dataset
