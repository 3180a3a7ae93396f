#include "cairn/dataset/solutions.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::dataset {
namespace {

using cairn::testing::TempDir;

class Solutions : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) {
    write_text_atomically(dir_ / "solution.csv", text);
    return dir_ / "solution.csv";
  }

  TempDir dir_;
};

TEST_F(Solutions, recognition_reads_several_one_and_no_landmarks) {
  const auto rows = read_recognition_solution(
      write("id,landmarks,Usage\r\na,12 34,Public\r\nb,,Private\r\nc,None,Ignored\r\n"));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].id, "a");
  EXPECT_EQ(rows[0].landmarks, (std::vector<int64_t>{12, 34}));
  EXPECT_EQ(rows[0].usage, "Public");
  EXPECT_TRUE(rows[1].landmarks.empty());
  EXPECT_EQ(rows[1].usage, "Private");
  EXPECT_TRUE(rows[2].landmarks.empty());
}

TEST_F(Solutions, retrieval_reads_images_in_their_order) {
  const auto rows = read_retrieval_solution(
      write("\xEF\xBB\xBFid,images,Usage\n\"q\",\"z a  m\",Private\nr,None,Ignored\n"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].id, "q");
  EXPECT_EQ(rows[0].images, (std::vector<std::string>{"z", "a", "m"}));
  EXPECT_TRUE(rows[1].images.empty());
  EXPECT_EQ(rows[1].usage, "Ignored");
}

TEST_F(Solutions, malformed_rows_are_errors_with_file_and_line) {
  for (const char* row : {"b,x,Public", "b,1;2,Public", ",1,Public", "a,2,Public", "b,1"}) {
    try {
      read_recognition_solution(write("id,landmarks,Usage\na,1,Public\n" + std::string(row)));
      FAIL() << "no error for " << row;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("solution.csv:3: "), std::string::npos)
          << error.what();
    }
  }
}

TEST_F(Solutions, a_table_of_the_other_kind_is_an_error) {
  EXPECT_THROW(read_retrieval_solution(write("id,landmarks,Usage\na,1,Public\n")), Error);
  EXPECT_THROW(read_recognition_solution(write("id,images,Usage\na,b,Public\n")), Error);
}

}  // namespace
}  // namespace cairn::dataset
