// cairn eval revisited: the Revisited Oxford and Paris protocol.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/eval/revisited_dataset.h"
#include "cairn/eval/submission.h"
#include "commands.h"
#include "embeddings.h"
#include "numbers.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Prints mAP and the mean precision at 1, 5, 10 of the three protocols (Radenović et al., CVPR 2018):
  easy    positives: easy;          left out of the ranking: hard and junk
  medium  positives: easy and hard; left out: junk
  hard    positives: hard;          left out: easy and junk
Queries without positives of a protocol do not count there. Positives that a ranking lacks are not
found. Index photos that are not in the ground truth are distractors.

The ground truth is JSON with the keys of the published gnd_roxford5k.pkl:
  python3 -c 'import json,pickle; json.dump(pickle.load(open("gnd_roxford5k.pkl", "rb")),
    open("gnd_roxford5k.json", "w"), default=lambda a: a.tolist())'
The protocol crops query photos to their boxes ("bbx") before they are embedded.

Examples:
  cairn eval revisited --ground-truth gnd_roxford5k.json --queries emb/queries --index emb/jpg
  cairn eval revisited --ground-truth gnd_roxford5k.json --submission ranking.csv --json)";

constexpr std::array<size_t, 3> kCutoffs = {1, 5, 10};

struct Options {
  std::string ground_truth, queries, index, submission;
  int threads = 0;
  bool json = false;
};

using Rankings = std::vector<std::vector<int64_t>>;

// Ranks the whole index for each query.
Rankings rank_embeddings(const eval::RevisitedDataset& dataset, const Options& options) {
  const QueriesAndIndex sets = load_queries_and_index(options.queries, options.index);
  std::unordered_map<std::string_view, size_t> query_of;
  for (size_t q = 0; q < dataset.queries.size(); ++q) query_of.emplace(dataset.queries[q], q);
  const std::vector<int64_t> rows = dataset.rows_of(sets.index.ids);
  const auto results =
      search::search_exact(rows_of(sets.queries), rows_of(sets.index),
                           search_options(sets.index.size(), options.threads, sets.queries.size()));
  Rankings rankings(dataset.queries.size());
  for (size_t i = 0; i < results.size(); ++i) {
    const auto query = query_of.find(sets.queries.ids[i]);
    if (query == query_of.end()) continue;
    for (const search::Hit& hit : results[i]) rankings[query->second].push_back(rows[hit.row]);
  }
  return rankings;
}

Rankings read_rankings(const eval::RevisitedDataset& dataset, const std::string& file) {
  std::unordered_map<std::string, std::vector<std::string>> answers;
  for (eval::RetrievalAnswer& answer : eval::read_retrieval_submission(file)) {
    std::unordered_set<std::string> seen;
    std::erase_if(answer.images, [&](const std::string& id) { return !seen.insert(id).second; });
    answers.emplace(std::move(answer.id), std::move(answer.images));
  }
  Rankings rankings;
  for (const std::string& query : dataset.queries)
    rankings.push_back(dataset.rows_of(answers[query]));
  return rankings;
}

void warn_of_missing(const eval::RevisitedDataset& dataset, const Rankings& rankings) {
  size_t empty = 0;
  std::vector<bool> seen(dataset.images.size());
  for (const std::vector<int64_t>& ranking : rankings) {
    if (ranking.empty()) ++empty;
    for (const int64_t row : ranking) {
      if (static_cast<size_t>(row) < seen.size()) seen[static_cast<size_t>(row)] = true;
    }
  }
  if (empty == rankings.size())
    throw Error(
        "none of the queries of the ground truth is there: they belong to different datasets");
  const auto unseen = std::count(seen.begin(), seen.end(), false);
  if (unseen == static_cast<long>(seen.size()))
    throw Error("no image of the ground truth is in a ranking: they belong to different datasets");
  if (empty > 0)
    log_warning(fmt::format("missing, and so scored 0: {} of {}", empty,
                            counted(rankings.size(), "query", "queries")));
  if (unseen > 0) {
    log_warning(fmt::format("in no ranking, and so not found as positives: {} of {}", unseen,
                            counted(seen.size(), "database image")));
  }
}

void run(const Options& options) {
  const bool from_embeddings = !options.queries.empty() || !options.index.empty();
  if (from_embeddings == !options.submission.empty() ||
      options.queries.empty() != options.index.empty())
    throw CLI::ValidationError("cairn eval revisited",
                               "needs --queries and --index, or --submission");
  const eval::RevisitedDataset dataset = eval::read_revisited_dataset(options.ground_truth);
  const Rankings rankings = from_embeddings ? rank_embeddings(dataset, options)
                                            : read_rankings(dataset, options.submission);
  warn_of_missing(dataset, rankings);
  using Protocol = eval::RevisitedProtocol;
  const std::array<std::pair<const char*, Protocol>, 3> protocols = {
      {{"easy", Protocol::kEasy}, {"medium", Protocol::kMedium}, {"hard", Protocol::kHard}}};
  nlohmann::ordered_json json = {{"task", "revisited"}, {"queries", dataset.queries.size()}};
  if (!options.json) {
    fmt::print("revisited: {}, {}\n", counted(dataset.queries.size(), "query", "queries"),
               counted(dataset.images.size(), "database image"));
  }
  for (const auto& [name, protocol] : protocols) {
    const eval::RevisitedScores scores =
        eval::score_revisited(rankings, dataset.truth, protocol, kCutoffs);
    const auto scored = std::count_if(scores.queries.begin(), scores.queries.end(),
                                      [](const auto& query) { return query.has_value(); });
    json[name] = {{"map", scores.map}, {"queries", scored}};
    std::string text = fmt::format("  {:<7} mAP {:.4f}   mP", name, scores.map);
    for (size_t i = 0; i < kCutoffs.size(); ++i) {
      json[name]["mean_precision"][std::to_string(kCutoffs[i])] = scores.mean_precision[i];
      text += fmt::format(" @{} {:.4f}", kCutoffs[i], scores.mean_precision[i]);
    }
    if (!options.json)
      fmt::print("{}   ({})\n", text, counted(static_cast<uint64_t>(scored), "query", "queries"));
  }
  if (options.json) fmt::print("{}\n", json.dump(2));
}

}  // namespace

void declare_eval_revisited(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--ground-truth", options->ground_truth, "JSON: imlist, qimlist, gnd")
      ->option_text("FILE")
      ->required();
  app.add_option("--queries", options->queries, "embedding folder")->option_text("EMB");
  app.add_option("--index", options->index, "embedding folder")->option_text("EMB");
  app.add_option("--submission", options->submission,
                 "table id,images instead of embeddings; lists of any length")
      ->option_text("FILE");
  add_threads(app, options->threads);
  app.add_flag("--json", options->json, "print the scores as JSON");
  app.callback([options] { run(*options); });
}

}  // namespace cairn::apps
