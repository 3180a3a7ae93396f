// cairn eval: scores of submissions.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cairn/base/log.h"
#include "cairn/eval/scoring.h"
#include "commands.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Examples:
  cairn eval recognition --solution gldv2/test/recognition_solution_v2.1.csv \
                         --submission recognition.csv
  cairn eval retrieval --solution gldv2/test/retrieval_solution_v2.1.csv \
                       --submission retrieval.csv --usage Private --json)";

constexpr const char* kRecognitionHelp = R"(
GAP        global average precision as on Kaggle: answers of all queries in one ranking by confidence
top-1      share of the queries with a landmark that are answered right

A query that the submission lacks counts as unanswered. Rows with the usage Ignored do not count.)";

constexpr const char* kRetrievalHelp = R"(
mAP@100    mean average precision of the first 100 images
precision  mean share of relevant images among the first 1, 5, 10, 100
CMC        share of the queries with a relevant image among the first 1, 5, 10, 100
position   of the first relevant image, from 1 (101: none among the first 100)

A query that the submission lacks scores 0. Queries with "None" or the usage Ignored do not count.)";

struct Options {
  std::string solution;
  std::string submission;
  std::string usage = "all";
  bool json = false;
};

constexpr size_t kShownRanks[] = {1, 5, 10, 100};

template <typename Result>
void warn(const eval::Joined<Result>& joined, const Options& options) {
  if (joined.missing > 0) {
    log_warning(fmt::format("{}: {} of {} queries have no row and count as unanswered",
                            options.submission, joined.missing, joined.results.size()));
  }
  if (joined.unknown > 0) {
    log_warning(fmt::format("{}: {} queries are not in {} and do not count", options.submission,
                            joined.unknown, options.solution));
  }
}

void eval_recognition(const Options& options) {
  const auto solution = dataset::read_recognition_solution(options.solution);
  const auto answers = eval::read_recognition_submission(options.submission);
  const auto joined = eval::join_recognition(solution, answers, eval::parse_usage(options.usage));
  warn(joined, options);
  const auto& results = joined.results;
  const auto count = [&](const auto& condition) {
    return std::count_if(results.begin(), results.end(), condition);
  };
  using Result = eval::RecognitionResult;
  const auto landmarks = count([](const Result& result) { return !result.truth.empty(); });
  const auto answered = count([](const Result& result) { return result.predicted.has_value(); });
  const auto correct = count([](const Result& result) { return eval::is_correct(result); });
  const double gap = eval::global_average_precision(results);
  const double top1 = eval::top1_accuracy(results);
  if (options.json) {
    const nlohmann::ordered_json json = {
        {"task", "recognition"},    {"usage", options.usage},    {"gap", gap},
        {"top1_accuracy", top1},    {"queries", results.size()}, {"landmark_queries", landmarks},
        {"answered", answered},     {"correct", correct},        {"missing", joined.missing},
        {"unknown", joined.unknown}};
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("recognition, usage {}: {} queries, {} with a landmark; {} answered, {} correct\n",
             options.usage, results.size(), landmarks, answered, correct);
  fmt::print("  GAP    {:.4f}\n  top-1  {:.4f}\n", gap, top1);
}

// Values at kShownRanks, by rank.
nlohmann::ordered_json at_shown_ranks(const std::vector<double>& values) {
  nlohmann::ordered_json json;
  for (const size_t rank : kShownRanks) json[std::to_string(rank)] = values.at(rank - 1);
  return json;
}

void print_shown_ranks(const char* name, const std::vector<double>& values) {
  fmt::print("  {:<10}", name);
  for (const size_t rank : kShownRanks) fmt::print(" @{} {:.4f}", rank, values.at(rank - 1));
  fmt::print("\n");
}

void eval_retrieval(const Options& options) {
  const auto solution = dataset::read_retrieval_solution(options.solution);
  const auto answers = eval::read_retrieval_submission(options.submission);
  const auto joined = eval::join_retrieval(solution, answers, eval::parse_usage(options.usage));
  warn(joined, options);
  const eval::RetrievalScores scores = eval::score_retrieval(joined.results);
  if (options.json) {
    const nlohmann::ordered_json json = {{"task", "retrieval"},
                                         {"usage", options.usage},
                                         {"map_at_100", scores.map},
                                         {"mean_precision", at_shown_ranks(scores.mean_precision)},
                                         {"cmc", at_shown_ranks(scores.cmc)},
                                         {"mean_position", scores.mean_position},
                                         {"median_position", scores.median_position},
                                         {"queries", joined.results.size()},
                                         {"missing", joined.missing},
                                         {"unknown", joined.unknown}};
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("retrieval, usage {}: {} queries\n  mAP@100    {:.4f}\n", options.usage,
             joined.results.size(), scores.map);
  print_shown_ranks("precision", scores.mean_precision);
  print_shown_ranks("CMC", scores.cmc);
  fmt::print("  position   mean {:.2f} median {:.1f}\n", scores.mean_position,
             scores.median_position);
}

void declare_task(CLI::App& app, const char* name, const char* summary, const char* help,
                  void (*work)(const Options&)) {
  const auto options = std::make_shared<Options>();
  CLI::App* task = app.add_subcommand(name, summary);
  task->footer(help);
  task->add_option("--solution", options->solution, "table with a column Usage")->required();
  task->add_option("--submission", options->submission, "table to score")->required();
  task->add_option("--usage", options->usage, "the part of the solution that counts")
      ->check(CLI::IsMember({"all", "Public", "Private"}))
      ->capture_default_str();
  task->add_flag("--json", options->json, "print the scores as JSON");
  task->callback([options, work] { work(*options); });
}

}  // namespace

void declare_eval(CLI::App& app) {
  app.footer(kHelp);
  app.require_subcommand(1);
  declare_task(app, "recognition", "score id,landmarks: GAP, top-1 accuracy", kRecognitionHelp,
               eval_recognition);
  declare_task(app, "retrieval", "score id,images: mAP@100, precision, CMC", kRetrievalHelp,
               eval_retrieval);
}

}  // namespace cairn::apps
