#include "cairn/base/csv.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn {
namespace {

std::vector<std::vector<std::string>> read_all(const std::string& text) {
  const testing::TempDir folder;
  write_text_atomically(folder / "t.csv", text);
  CsvReader reader(folder / "t.csv");
  std::vector<std::vector<std::string>> rows = {reader.header()};
  std::vector<std::string> row;
  while (reader.next(row)) rows.push_back(row);
  return rows;
}

using Rows = std::vector<std::vector<std::string>>;

TEST(Csv, reads_quotes_commas_line_breaks_crlf_and_a_byte_order_mark) {
  EXPECT_EQ(read_all("\xEF\xBB\xBFid,name\r\n1,\"a, \"\"b\"\"\"\r\n\r\n2,\"two\nlines\"\n3,"),
            (Rows{{"id", "name"}, {"1", "a, \"b\""}, {"2", "two\nlines"}, {"3", ""}}));
}

TEST(Csv, names_the_line_of_a_row_with_a_wrong_number_of_fields) {
  try {
    read_all("id,name\n1,a\n2\n");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("t.csv:3: 1 fields, but the header has 2"),
              std::string::npos)
        << error.what();
  }
}

TEST(Csv, rejects_an_open_quote_and_an_empty_file) {
  EXPECT_THROW(read_all("id\n\"never closed\n"), Error);
  EXPECT_THROW(read_all(""), Error);
}

TEST(Csv, lists_the_columns_where_one_is_missing) {
  const testing::TempDir folder;
  write_text_atomically(folder / "t.csv", "id,url\n");
  const CsvReader reader(folder / "t.csv");
  EXPECT_EQ(reader.column("url"), 1U);
  try {
    reader.column("landmark_id");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("its columns are id,url"), std::string::npos);
  }
}

TEST(Csv, writes_what_it_reads) {
  const std::vector<std::string> fields = {"plain", "a,b", "say \"x\"", "two\nlines", ""};
  EXPECT_EQ(read_all("a,b,c,d,e\n" + csv_line(fields))[1], fields);
}

}  // namespace
}  // namespace cairn
