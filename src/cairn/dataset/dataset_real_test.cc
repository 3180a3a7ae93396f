// The tables and folders of shared/data/landmarks.
#include <gtest/gtest.h>

#include <set>

#include "cairn/base/testing/testing.h"
#include "cairn/dataset/gld_root.h"
#include "cairn/dataset/photos.h"
#include "cairn/dataset/solutions.h"

namespace cairn::dataset {
namespace {

TEST(RealLandmarks, every_photo_of_the_tables_is_found) {
  CAIRN_REQUIRE_SHARED("data/landmarks");
  const GldRoot root(cairn::testing::shared_dir() / "data/landmarks");
  const std::vector<Photo> train = find_photos(root.train);
  const std::vector<Photo> index = find_photos(root.index);
  const std::vector<Photo> test = find_photos(root.test);
  EXPECT_EQ(train.size(), 680U);
  EXPECT_EQ(index.size(), 1009U);
  EXPECT_EQ(test.size(), 456U);
  EXPECT_EQ(find_photos(root.root / "nonlandmark").size(), 300U);

  const LabelledPhotos labelled = join_labels(read_labels(root.train_table), train);
  EXPECT_EQ(labelled.photos.size(), 680U);
  EXPECT_TRUE(labelled.missing_ids.empty());
  std::set<int64_t> landmarks;
  for (const LabelledPhoto& photo : labelled.photos) landmarks.insert(photo.landmark);
  EXPECT_EQ(landmarks.size(), 21U);
  EXPECT_TRUE(join_labels(read_labels(root.train_clean_table), train).missing_ids.empty());
  EXPECT_TRUE(join_labels(read_labels(root.index_table), index).missing_ids.empty());
}

TEST(RealLandmarks, every_photo_of_the_solutions_is_found) {
  CAIRN_REQUIRE_SHARED("data/landmarks");
  const GldRoot root(cairn::testing::shared_dir() / "data/landmarks");
  std::set<std::string> index;
  for (const Photo& photo : find_photos(root.index)) index.insert(photo.id);
  std::set<std::string> test;
  for (const Photo& photo : find_photos(root.test)) test.insert(photo.id);

  const auto recognition = read_recognition_solution(root.recognition_solution);
  EXPECT_EQ(recognition.size(), 456U);
  for (const RecognitionSolution& row : recognition) EXPECT_TRUE(test.contains(row.id)) << row.id;
  const auto retrieval = read_retrieval_solution(root.retrieval_solution);
  size_t scored = 0;
  for (const RetrievalSolution& row : retrieval) {
    EXPECT_TRUE(test.contains(row.id)) << row.id;
    scored += !row.images.empty();
    for (const std::string& image : row.images) EXPECT_TRUE(index.contains(image)) << image;
  }
  EXPECT_EQ(scored, 208U);
}

}  // namespace
}  // namespace cairn::dataset
