// cairn eval: scores of submissions.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cairn/base/counted.h"
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
                       --submission retrieval.csv --usage Private --json
  cairn eval revisited --ground-truth gnd_roxford5k.json --queries emb/queries --index emb/jpg)";

constexpr const char* kRecognitionHelp = R"(
GAP        global average precision as on Kaggle: answers of all queries in one ranking by confidence
top-1      share of the queries with a landmark that are answered right

A query that the submission lacks counts as unanswered. Rows with the usage Ignored do not count.)";

constexpr const char* kRetrievalHelp = R"(
mAP        mean average precision in the form of --metric
precision  mean share of relevant images among the first 1, 5, 10, 20, 100
recall     mean share of the relevant images that are among the first 1, 5, 10, 20, 100
CMC        share of the queries with a relevant image among the first 1, 5, 10, 20, 100
position   of the first relevant image, from 1 (101: none among the first 100)

--metric kaggle     mAP@100 as in the Google Landmark Retrieval competitions
         retrieval  AP over the whole list: mean precision at the relevant images
         voc        AP is the area under the falling precision-recall curve (Pascal VOC)
         delg       AP by the trapezoidal rule (Oxford, DELG)
With the last three lists may be longer than 100, precision past the end of a list is 0, and the
precision at 5, 10 and 20 is that of the first rank with full recall where that comes earlier.

A query that the submission lacks scores 0. Queries with "None" or the usage Ignored do not count.)";

struct Options {
  std::string solution;
  std::string submission;
  std::string usage = "all";
  std::string metric = "kaggle";
  bool json = false;
};

template <typename Result>
void warn(const eval::Joined<Result>& joined, const Options& options) {
  if (joined.missing > 0) {
    log_warning(fmt::format("{}: without a row, and so unanswered: {} of {}", options.submission,
                            joined.missing, counted(joined.results.size(), "query", "queries")));
  }
  if (joined.unknown > 0) {
    log_warning(fmt::format("{}: {} not in {}, and so not counted", options.submission,
                            counted(joined.unknown, "query", "queries"), options.solution));
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
  fmt::print("recognition, usage {}: {}, {} with a landmark; {} answered, {} correct\n",
             options.usage, counted(results.size(), "query", "queries"), landmarks, answered,
             correct);
  fmt::print("  GAP    {:.4f}\n  top-1  {:.4f}\n", gap, top1);
}

// What is shown at ranks 1, 5, 10, 20 and 100, and what else the metric tells.
using AtRanks = std::array<double, eval::kCbirRanks.size()>;
struct RetrievalReport {
  double map = 0;
  AtRanks precision = {}, recall = {}, cmc = {};
  nlohmann::ordered_json more;
};

RetrievalReport score_as_kaggle(const std::vector<eval::RetrievalResult>& results) {
  const eval::RetrievalScores scores = eval::score_retrieval(results);
  RetrievalReport report;
  report.map = scores.map;
  for (size_t i = 0; i < eval::kCbirRanks.size(); ++i) {
    const size_t rank = eval::kCbirRanks[i] - 1;
    report.precision[i] = scores.mean_precision.at(rank);
    report.recall[i] = scores.mean_recall.at(rank);
    report.cmc[i] = scores.cmc.at(rank);
  }
  report.more = {{"mean_position", scores.mean_position},
                 {"median_position", scores.median_position}};
  return report;
}

RetrievalReport score_as_cbir(const std::vector<eval::RetrievalResult>& results,
                              eval::CbirMetric metric) {
  std::vector<eval::CbirQuery> queries;
  for (const eval::RetrievalResult& result : results) queries.push_back(eval::cbir_query(result));
  const eval::CbirScores scores = eval::score_cbir(queries, metric);
  return {scores.map,
          scores.mean_precision,
          scores.mean_recall,
          scores.cmc,
          {{"average_positives", scores.average_positives},
           {"average_predictions", scores.average_predictions},
           {"largest_recall", scores.largest_recall},
           {"average_upper_bound", scores.average_upper_bound}}};
}

RetrievalReport score(const std::vector<eval::RetrievalResult>& results,
                      const std::string& metric) {
  if (metric == "retrieval") return score_as_cbir(results, eval::CbirMetric::kRetrieval);
  if (metric == "voc") return score_as_cbir(results, eval::CbirMetric::kVoc);
  if (metric == "delg") return score_as_cbir(results, eval::CbirMetric::kDelg);
  return score_as_kaggle(results);
}

nlohmann::ordered_json by_rank(const AtRanks& values) {
  nlohmann::ordered_json json;
  for (size_t i = 0; i < values.size(); ++i) json[std::to_string(eval::kCbirRanks[i])] = values[i];
  return json;
}

void print_by_rank(const char* name, const AtRanks& values) {
  fmt::print("  {:<10}", name);
  for (size_t i = 0; i < values.size(); ++i)
    fmt::print(" @{} {:.4f}", eval::kCbirRanks[i], values[i]);
  fmt::print("\n");
}

void eval_retrieval(const Options& options) {
  const auto solution = dataset::read_retrieval_solution(options.solution);
  const auto answers = eval::read_retrieval_submission(options.submission);
  const auto joined = eval::join_retrieval(solution, answers, eval::parse_usage(options.usage));
  warn(joined, options);
  const RetrievalReport report = score(joined.results, options.metric);
  const bool is_kaggle = options.metric == "kaggle";
  if (options.json) {
    nlohmann::ordered_json json = {{"task", "retrieval"},
                                   {"usage", options.usage},
                                   {"metric", options.metric},
                                   {is_kaggle ? "map_at_100" : "map", report.map},
                                   {"mean_precision", by_rank(report.precision)},
                                   {"mean_recall", by_rank(report.recall)},
                                   {"cmc", by_rank(report.cmc)}};
    json.update(report.more);
    json.update({{"queries", joined.results.size()},
                 {"missing", joined.missing},
                 {"unknown", joined.unknown}});
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("retrieval, usage {}: {}\n  {:<10} {:.4f}\n", options.usage,
             counted(joined.results.size(), "query", "queries"),
             is_kaggle ? "mAP@100" : "mAP " + options.metric, report.map);
  print_by_rank("precision", report.precision);
  print_by_rank("recall", report.recall);
  print_by_rank("CMC", report.cmc);
  if (is_kaggle) {
    fmt::print("  position   mean {:.2f} median {:.1f}\n",
               report.more["mean_position"].get<double>(),
               report.more["median_position"].get<double>());
  }
}

std::shared_ptr<Options> declare_task(CLI::App& app, const char* name, const char* summary,
                                      const char* help, void (*work)(const Options&)) {
  const auto options = std::make_shared<Options>();
  CLI::App* task = app.add_subcommand(name, summary);
  task->footer(help);
  task->add_option("--solution", options->solution, "table with a column Usage")
      ->option_text("FILE")
      ->required();
  task->add_option("--submission", options->submission, "table to score")
      ->option_text("FILE")
      ->required();
  task->add_option("--usage", options->usage, "the part of the solution that counts")
      ->check(CLI::IsMember({"all", "Public", "Private"}))
      ->capture_default_str();
  task->add_flag("--json", options->json, "print the scores as JSON");
  task->callback([options, work] { work(*options); });
  return options;
}

}  // namespace

void declare_eval(CLI::App& app) {
  app.footer(kHelp);
  app.require_subcommand(1);
  declare_task(app, "recognition", "score id,landmarks: GAP, top-1 accuracy", kRecognitionHelp,
               eval_recognition);
  const auto options =
      declare_task(app, "retrieval", "score id,images: mAP, precision, recall, CMC", kRetrievalHelp,
                   eval_retrieval);
  app.get_subcommand("retrieval")
      ->add_option("--metric", options->metric, "the form of average precision")
      ->check(CLI::IsMember({"kaggle", "retrieval", "voc", "delg"}))
      ->capture_default_str();
  declare_eval_revisited(*app.add_subcommand(
      "revisited", "score rankings by the Revisited Oxford and Paris protocol"));
}

}  // namespace cairn::apps
