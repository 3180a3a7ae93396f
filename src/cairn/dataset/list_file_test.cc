#include "cairn/dataset/list_file.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::dataset {
namespace {

using cairn::testing::TempDir;

TEST(ListFile, reads_back_what_it_writes) {
  const std::vector<ListRow> rows = {
      {"a", 7, "train/a.jpg", true, "US", "North America"},
      {"b,\"c", kNoLandmark, "test/b,\"c.jpg", false, "", ""},
      {"a", 8, "train/a.jpg", false, "OTHER", "OTHER"},
  };
  const TempDir dir;
  std::string text = std::string(kListColumns) + "\n";
  for (const ListRow& row : rows) text += list_line(row);
  write_text_atomically(dir / "list.csv", text);
  EXPECT_EQ(read_list(dir / "list.csv"), rows);
}

TEST(ListFile, names_file_and_line_of_a_malformed_row) {
  const TempDir dir;
  for (const char* row : {"a,x,p,0,,", ",1,p,0,,", "a,1,p,2,,", "a,1,p,,,", "a,1,p,0,"}) {
    write_text_atomically(dir / "list.csv", std::string(kListColumns) + "\n" + row + "\n");
    try {
      read_list(dir / "list.csv");
      ADD_FAILURE() << row;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("list.csv:2: "), std::string::npos) << error.what();
    }
  }
  write_text_atomically(dir / "list.csv", "id,landmark_id\na,1\n");
  EXPECT_THROW(read_list(dir / "list.csv"), Error);
}

}  // namespace
}  // namespace cairn::dataset
