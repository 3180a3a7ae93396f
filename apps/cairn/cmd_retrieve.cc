// cairn retrieve: the most similar index photos of each query, as a Kaggle submission.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cairn/base/log.h"
#include "cairn/eval/submission.h"
#include "commands.h"
#include "embeddings.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes a submission id,images: for each query the ids of its most similar index photos, best first,
separated by spaces. The search is exact; equal similarities are ordered by id.

Examples:
  cairn retrieve --queries emb/test --index emb/index --out retrieval.csv
  cairn eval retrieval --solution gldv2/test/retrieval_solution_v2.1.csv --submission retrieval.csv)";

struct Options {
  std::string queries;
  std::string index;
  std::string out;
  size_t top = eval::kSubmittedImages;
  int threads = 0;
};

void retrieve_command(const Options& options) {
  make_folder_of(options.out);
  const QueriesAndIndex sets = load_queries_and_index(options.queries, options.index);
  const auto results =
      search::search_exact(rows_of(sets.queries), rows_of(sets.index),
                           search_options(options.top, options.threads, sets.queries.size()));
  std::vector<eval::RetrievalAnswer> answers;
  for (size_t q = 0; q < results.size(); ++q) {
    eval::RetrievalAnswer answer{sets.queries.ids[q], {}};
    for (const search::Hit& hit : results[q]) answer.images.push_back(sets.index.ids[hit.row]);
    answers.push_back(std::move(answer));
  }
  eval::write_retrieval_submission(options.out, answers);
  log_info(fmt::format("{}: {} queries in {} index photos", options.out, answers.size(),
                       sets.index.size()));
}

}  // namespace

void declare_retrieve(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--queries", options->queries, "embedding folder")->required();
  app.add_option("--index", options->index, "embedding folder")->required();
  app.add_option("--out", options->out, "submission to write")->required();
  app.add_option("--top", options->top, "images a query")
      ->check(CLI::Range(size_t{1}, eval::kSubmittedImages))
      ->capture_default_str();
  app.add_option("--threads", options->threads, "0: all cores")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.callback([options] { retrieve_command(*options); });
}

}  // namespace cairn::apps
