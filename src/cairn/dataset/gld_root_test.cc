#include "cairn/dataset/gld_root.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::dataset {
namespace {

namespace fs = std::filesystem;
using cairn::testing::TempDir;

void touch(const fs::path& path) {
  fs::create_directories(path.parent_path());
  write_text_atomically(path, "x");
}

TEST(GldRoot, finds_the_parts_of_the_downloaded_layout) {
  const TempDir dir;
  for (const char* name :
       {"train/0/1/2/0123.jpg", "train/train.csv", "train/train_clean.csv",
        "index/index_image_to_landmark.csv", "test/recognition_solution_v2.0.csv",
        "test/recognition_solution_v2.1.csv", "test/retrieval_solution_v2.1.csv"}) {
    touch(dir / name);
  }
  const GldRoot root(dir.path());
  EXPECT_EQ(root.train, dir / "train");
  EXPECT_EQ(root.index, dir / "index");
  EXPECT_EQ(root.test, dir / "test");
  EXPECT_EQ(root.train_table, dir / "train/train.csv");
  EXPECT_EQ(root.train_clean_table, dir / "train/train_clean.csv");
  EXPECT_EQ(root.index_table, dir / "index/index_image_to_landmark.csv");
  EXPECT_EQ(root.recognition_solution, dir / "test/recognition_solution_v2.1.csv");
  EXPECT_EQ(root.retrieval_solution, dir / "test/retrieval_solution_v2.1.csv");
}

TEST(GldRoot, finds_tables_in_the_root_and_other_solution_versions) {
  const TempDir dir;
  for (const char* name : {"train.csv", "test/recognition_solution.csv",
                           "test/recognition_solution_v2.csv", "retrieval_solution_mine.csv"}) {
    touch(dir / name);
  }
  const GldRoot root(dir.path());
  EXPECT_EQ(root.train_table, dir / "train.csv");
  EXPECT_EQ(root.recognition_solution, dir / "test/recognition_solution_v2.csv");
  EXPECT_EQ(root.retrieval_solution, dir / "retrieval_solution_mine.csv");
}

TEST(GldRoot, says_what_is_missing_only_when_it_is_needed) {
  const TempDir dir;
  touch(dir / "train/train.csv");
  const GldRoot root(dir.path());
  EXPECT_TRUE(root.index.empty());
  EXPECT_TRUE(root.retrieval_solution.empty());
  EXPECT_EQ(root.need(&GldRoot::train_table, "train/train.csv"), dir / "train/train.csv");
  try {
    root.need(&GldRoot::index, "index/");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no index/"), std::string::npos);
  }
}

TEST(GldRoot, rejects_a_root_that_is_no_folder) {
  const TempDir dir;
  EXPECT_THROW(GldRoot(dir / "missing"), Error);
}

}  // namespace
}  // namespace cairn::dataset
