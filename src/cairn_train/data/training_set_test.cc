#include "cairn_train/data/training_set.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::data {
namespace {

class TrainingSetTest : public ::testing::Test {
 protected:
  TrainingSetTest() {
    std::string table = "id,url,landmark_id\n";
    const auto add = [&](const std::string& id, int landmark, bool on_disk) {
      table += id + ",," + std::to_string(landmark) + "\n";
      if (on_disk) write("train/" + id + ".jpg");
    };
    for (int i = 0; i < 10; ++i) add("seven" + std::to_string(i), 7, true);
    for (int i = 0; i < 6; ++i) add("five" + std::to_string(i), 5, true);
    add("single", 9, true);
    add("lost", 5, false);
    write_text_atomically(folder_ / "train" / "train.csv", table);
    write("other/a.jpg");
    options_.root = folder_.path().string();
    options_.table = "train/train.csv";
  }
  void write(const std::string& name) {
    make_folder((folder_ / name).parent_path());
    write_text_atomically(folder_ / name, "x");
  }

  testing::TempDir folder_;
  DataOptions options_;
};

TEST_F(TrainingSetTest, splits_by_landmark_and_numbers_the_classes_by_landmark_id) {
  options_.validation_fraction = 0.2;
  options_.validation_references = 3;
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_EQ(set.landmark_of_class, (std::vector<int64_t>{5, 7}));
  EXPECT_EQ(set.photos_of_class, (std::vector<int64_t>{5, 8}));
  EXPECT_EQ(set.validation.size(), 3U);
  EXPECT_EQ(set.references.size(), 6U);
  EXPECT_EQ(set.missing_ids, std::vector<std::string>{"lost"});
  for (const size_t i : set.validation) EXPECT_FALSE(std::ranges::binary_search(set.train, i));
  for (const size_t i : set.references) EXPECT_TRUE(std::ranges::binary_search(set.train, i));
  for (const size_t i : set.train)
    EXPECT_EQ(set.landmark_of_class[static_cast<size_t>(set.samples[i].class_index)],
              set.samples[i].landmark);
}

TEST_F(TrainingSetTest, unlabelled_photos_have_no_class) {
  options_.unlabelled = {"other"};
  options_.min_photos = 1;
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_EQ(set.landmark_of_class.size(), 3U);
  ASSERT_EQ(set.unlabelled.size(), 1U);
  EXPECT_EQ(set.samples[set.unlabelled[0]].id, "a");
  EXPECT_EQ(set.samples[set.unlabelled[0]].class_index, -1);
}

TEST_F(TrainingSetTest, nonlandmark_photos_are_a_list_of_their_own) {
  options_.nonlandmark = {"other"};
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_TRUE(set.unlabelled.empty());
  ASSERT_EQ(set.nonlandmark.size(), 1U);
  EXPECT_EQ(set.samples[set.nonlandmark[0]].id, "a");
  EXPECT_EQ(set.samples[set.nonlandmark[0]].class_index, -1);
  EXPECT_FALSE(std::ranges::binary_search(set.train, set.nonlandmark[0]));
}

TEST_F(TrainingSetTest, a_validation_table_replaces_the_split) {
  write("index/q.jpg");
  write_text_atomically(folder_ / "index.csv", "id,landmark_id\nq,7\n");
  options_.validation_table = "index.csv";
  options_.validation_photos = {"index"};
  const TrainingSet set = build_training_set(options_, 1);
  EXPECT_EQ(set.train.size(), 16U);
  ASSERT_EQ(set.validation.size(), 1U);
  EXPECT_EQ(set.samples[set.validation[0]].class_index, 1);
}

TEST_F(TrainingSetTest, nothing_to_train_on_is_an_error) {
  options_.photos = {"other"};
  EXPECT_THROW(build_training_set(options_, 1), Error);
  options_.photos = {"train"};
  options_.min_photos = 11;
  EXPECT_THROW(build_training_set(options_, 1), Error);
  options_.table = "";
  EXPECT_THROW(build_training_set(options_, 1), Error);
}

}  // namespace
}  // namespace cairn::data
