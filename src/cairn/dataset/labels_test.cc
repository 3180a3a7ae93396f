#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"
#include "cairn/dataset/photos.h"

namespace cairn::dataset {
namespace {

using cairn::testing::TempDir;
using Pairs = std::vector<std::pair<std::string, int64_t>>;

Pairs read(const std::string& text) {
  const TempDir dir;
  write_text_atomically(dir / "table.csv", text);
  Pairs pairs;
  for (const Label& label : read_labels(dir / "table.csv")) {
    pairs.emplace_back(label.id, label.landmark);
  }
  return pairs;
}

std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ReadLabels, reads_one_photo_a_row_whatever_the_order_of_columns) {
  const Pairs expected = {{"a", 7}, {"b", 9}};
  EXPECT_EQ(read("id,url,landmark_id\na,http://x/a.jpg,7\nb,,9\n"), expected);
  EXPECT_EQ(read("landmark_id,id\n7,a\n9,b\n"), expected);
}

TEST(ReadLabels, reads_many_photos_a_row) {
  EXPECT_EQ(read("landmark_id,images\n1,a b\n2,c\n3,\n"), (Pairs{{"a", 1}, {"b", 1}, {"c", 2}}));
}

TEST(ReadLabels, tolerates_quotes_byte_order_mark_and_crlf) {
  EXPECT_EQ(read("\xEF\xBB\xBFid,url,landmark_id\r\n\"a\",\"http://x/a,b.jpg\",7\r\n\r\n"),
            (Pairs{{"a", 7}}));
}

TEST(ReadLabels, drops_rows_that_repeat_an_earlier_one) {
  EXPECT_EQ(read("id,landmark_id\na,1\nb,2\na,1\nc,3\n"), (Pairs{{"a", 1}, {"b", 2}, {"c", 3}}));
}

TEST(ReadLabels, lets_photos_of_lists_have_several_landmarks) {
  EXPECT_EQ(read("id,landmark_id,path,noisy,country,continent\n"
                 "a,1,p,0,,\na,2,p,0,,\na,1,p,0,,\nb,-1,p,0,,\n"),
            (Pairs{{"a", 1}, {"a", 2}, {"b", -1}}));
}

TEST(ReadLabels, reads_large_and_negative_landmark_ids) {
  EXPECT_EQ(read("id,landmark_id\na,9223372036854775807\nb,-1\n"),
            (Pairs{{"a", INT64_MAX}, {"b", -1}}));
}

TEST(ReadLabels, names_file_and_line_of_a_malformed_row) {
  for (const char* row :
       {"a,x", "a,", "a,1.5", "a, 1", "a,9223372036854775808", ",1", "a", "a,1,2", "b,2"}) {
    EXPECT_NE(error_of("id,landmark_id\nb,1\n" + std::string(row) + "\n").find("table.csv:3: "),
              std::string::npos)
        << row;
  }
}

TEST(ReadLabels, says_which_columns_there_are_when_one_is_missing) {
  EXPECT_NE(error_of("id,landmark\na,1\n").find("id,landmark"), std::string::npos);
  EXPECT_NE(error_of("Id,landmark_id\na,1\n").find("Id,landmark_id"), std::string::npos);
}

TEST(JoinLabels, finds_photos_by_id_and_lists_the_missing) {
  const LabelledPhotos joined =
      join_labels({{"c", 3}, {"gone", 1}, {"a", 2}}, {{"a", "/p/a.jpg"}, {"c", "/p/c.png"}});
  ASSERT_EQ(joined.photos.size(), 2U);
  EXPECT_EQ(joined.photos[0].id, "c");
  EXPECT_EQ(joined.photos[0].path, "/p/c.png");
  EXPECT_EQ(joined.photos[0].landmark, 3);
  EXPECT_EQ(joined.photos[1].path, "/p/a.jpg");
  EXPECT_EQ(joined.missing_ids, std::vector<std::string>{"gone"});
}

}  // namespace
}  // namespace cairn::dataset
