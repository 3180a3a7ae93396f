#include "cairn/eval/revisited_dataset.h"

#include <gtest/gtest.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/testing/testing.h"

namespace cairn::eval {
namespace {

using cairn::testing::TempDir;

RevisitedDataset read(const std::string& text) {
  const TempDir dir;
  write_text_atomically(dir / "gnd.json", text);
  return read_revisited_dataset(dir / "gnd.json");
}

std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string with_truth(const std::string& truth) {
  return R"({"imlist": ["a", "b", "c"], "qimlist": ["q"], "gnd": [)" + truth + "]}";
}

TEST(RevisitedDataset, reads_the_keys_of_the_published_file) {
  const RevisitedDataset dataset =
      read(with_truth(R"({"bbx": [1.5, 2], "easy": [0], "hard": [2], "junk": []})"));
  EXPECT_EQ(dataset.images, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(dataset.queries, (std::vector<std::string>{"q"}));
  ASSERT_EQ(dataset.truth.size(), 1U);
  EXPECT_EQ(dataset.truth[0].easy, (std::unordered_set<int64_t>{0}));
  EXPECT_EQ(dataset.truth[0].hard, (std::unordered_set<int64_t>{2}));
  EXPECT_TRUE(dataset.truth[0].junk.empty());
}

TEST(RevisitedDataset, gives_photos_outside_the_database_rows_of_their_own) {
  const RevisitedDataset dataset = read(with_truth(R"({"easy": [0], "hard": [], "junk": []})"));
  const std::vector<std::string> ids = {"x", "c", "y", "x", "a"};
  EXPECT_EQ(dataset.rows_of(ids), (std::vector<int64_t>{3, 2, 4, 3, 0}));
}

TEST(RevisitedDataset, says_what_is_wrong_with_a_file) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[", "gnd.json: not JSON"},
      {"[]", "gnd.json: needs a list \"imlist\""},
      {R"({"imlist": ["a"], "qimlist": "q"})", "needs a list \"qimlist\""},
      {R"({"imlist": ["a", "a"]})", "photo a is in \"imlist\" twice"},
      {R"({"imlist": [1]})", "must hold photo ids"},
      {R"({"imlist": []})", "\"imlist\" is empty"},
      {R"({"imlist": ["a"], "qimlist": ["q"], "gnd": []})", "0 entries for 1 queries"},
      {with_truth("[]"), "query q: needs a list \"easy\""},
      {with_truth(R"({"easy": [0], "hard": []})"), "query q: needs a list \"junk\""},
      {with_truth(R"({"easy": [3], "hard": [], "junk": []})"), "holds 3; rows are 0 to 2"},
      {with_truth(R"({"easy": [-1], "hard": [], "junk": []})"), "holds -1; rows are 0 to 2"},
      {with_truth(R"({"easy": [0.5], "hard": [], "junk": []})"), "holds 0.5; rows are 0 to 2"},
      {with_truth(R"({"easy": [1], "hard": [], "junk": [1]})"), "row 1 is there twice"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_NE(error_of(text).find(message), std::string::npos) << text << ": " << error_of(text);
}

}  // namespace
}  // namespace cairn::eval
