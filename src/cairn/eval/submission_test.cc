#include "cairn/eval/submission.h"

#include <gtest/gtest.h>

#include <limits>

#include "cairn/base/files.h"
#include "cairn/base/testing/errors.h"
#include "cairn/base/testing/testing.h"
#include "cairn/eval/scoring.h"

namespace cairn::eval {
namespace {

using testing::error_of;
using testing::TempDir;

TEST(recognition_submission, reads_back_what_was_written) {
  const TempDir folder;
  const double odd = 0.1 + 0.2;
  const double tiny = std::numeric_limits<double>::denorm_min();
  write_recognition_submission(folder / "s.csv",
                               {{"a", 7, odd}, {"b, \"c\"", {}, 0}, {"d", -3, -tiny}});
  const auto answers = read_recognition_submission(folder / "s.csv");
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].confidence, odd);
  EXPECT_EQ(answers[0].landmark, 7);
  EXPECT_EQ(answers[1].id, "b, \"c\"");
  EXPECT_FALSE(answers[1].landmark.has_value());
  EXPECT_EQ(answers[2].confidence, -tiny);
  EXPECT_EQ(read_text(folder / "s.csv").substr(0, 16), "id,landmarks\na,7");
}

TEST(recognition_submission, names_the_line_of_a_malformed_answer) {
  const TempDir folder;
  const auto error_for = [&](const std::string& row) {
    write_text_atomically(folder / "s.csv", "id,landmarks\nq,1 0.5\n" + row + "\n");
    return error_of([&] { read_recognition_submission(folder / "s.csv"); });
  };
  const std::string where = (folder / "s.csv").string() + ":3: ";
  EXPECT_EQ(error_for("a,x 0.5"), where + "the landmark id \"x\" is not a number");
  EXPECT_EQ(error_for("a,5 high"), where + "the confidence \"high\" is not a number");
  EXPECT_EQ(error_for("a,5 inf"), where + "the confidence inf is not finite");
  EXPECT_EQ(error_for("a,5 1 6 0.5"),
            where + "landmarks has 4 words; it must be \"landmark_id confidence\" or empty");
  EXPECT_EQ(error_for("q,5 0.5"), where + "query q is answered twice");
  EXPECT_EQ(error_for(",5 0.5"), where + "the id is empty");
}

TEST(retrieval_submission, reads_back_what_was_written) {
  const TempDir folder;
  write_retrieval_submission(folder / "s.csv", {{"a", {"x", "y"}}, {"b", {}}});
  const auto answers = read_retrieval_submission(folder / "s.csv");
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].images, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(answers[1].images.empty());
}

TEST(retrieval_submission, refuses_what_kaggle_would) {
  const TempDir folder;
  const std::vector<std::string> many(101, "x");
  EXPECT_THROW(write_retrieval_submission(folder / "s.csv", {{"a", many}}), Error);
  EXPECT_THROW(write_retrieval_submission(folder / "s.csv", {{"a", {"x y"}}}), Error);
  EXPECT_FALSE(fs::exists(folder / "s.csv"));
}

TEST(scoring, counts_queries_that_the_submission_lacks_as_unanswered) {
  const std::vector<dataset::RecognitionSolution> solution = {
      {"a", {1}, "Public"}, {"b", {2}, "Private"}, {"c", {}, "Ignored"}};
  const std::vector<RecognitionAnswer> answers = {{"a", 1, 0.9}, {"c", 4, 1}, {"z", 1, 1}};
  const auto joined = join_recognition(solution, answers, Usage::kAll);
  ASSERT_EQ(joined.results.size(), 2U);
  EXPECT_EQ(joined.missing, 1U);
  EXPECT_EQ(joined.unknown, 1U);
  EXPECT_DOUBLE_EQ(global_average_precision(joined.results), 0.5);
  EXPECT_EQ(join_recognition(solution, answers, Usage::kPublic).results.size(), 1U);
}

TEST(scoring, leaves_out_retrieval_queries_without_relevant_images) {
  const std::vector<dataset::RetrievalSolution> solution = {{"a", {"x"}, "Public"},
                                                            {"b", {}, "Ignored"}};
  const std::vector<RetrievalAnswer> answers = {{"a", {"x"}}, {"b", {"x"}}};
  const auto joined = join_retrieval(solution, answers, Usage::kAll);
  ASSERT_EQ(joined.results.size(), 1U);
  EXPECT_EQ(joined.results[0].ranked, std::vector<std::string>{"x"});
  EXPECT_EQ(joined.unknown, 0U);
}

TEST(scoring, tells_when_solution_and_submission_belong_to_different_datasets) {
  const std::vector<dataset::RetrievalSolution> solution = {{"a", {"x"}, "Public"}};
  const std::vector<RetrievalAnswer> answers = {{"z", {"x"}}};
  EXPECT_THROW(join_retrieval(solution, answers, Usage::kAll), Error);
  EXPECT_THROW(join_retrieval(solution, {}, Usage::kPrivate), Error);
  EXPECT_EQ(join_retrieval(solution, {}, Usage::kAll).missing, 1U);
}

TEST(scoring, knows_the_usages) {
  EXPECT_EQ(parse_usage("Public"), Usage::kPublic);
  EXPECT_THROW(parse_usage("public"), Error);
}

}  // namespace
}  // namespace cairn::eval
