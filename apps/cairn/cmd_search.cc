// cairn search: the most similar index photos of each query, as a table.
#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>

#include "cairn/base/counted.h"
#include "cairn/base/csv.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "commands.h"
#include "embeddings.h"
#include "numbers.h"
#include "output.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes a table query,rank,id,score: rank from 1, score the cosine similarity of the embeddings.
The search is exact; equal scores are ordered by id. The same embeddings give the same bytes,
whatever the number of threads.

A large index that is searched again and again is faster to search, and needs a quarter of the
memory, after `cairn index`; the results are the same. --approximate searches the graph that
`cairn index --hnsw` made: many times faster still, with exact scores, but it can miss hits.

Examples:
  cairn search --queries emb/test --index emb/index --out hits.csv
  cairn search --queries emb/photos --index emb/photos --exclude-self --top 5 --out similar.csv
  cairn search --queries emb/test --index emb/index --approximate --ef 300 --out hits.csv)";

struct Options {
  std::string queries;
  std::string index;
  std::string out;
  size_t top = 100;
  int threads = 0;
  bool exclude_self = false;
  Approximation approximation;
};

void search_command(const Options& options) {
  make_room_for(options.out);
  const PlainSearch sets =
      open_queries_and_index(options.queries, options.index, options.approximation);
  const auto results = sets.index.search(
      rows_of(sets.queries),
      search_options(options.top, options.threads, sets.queries.size(), options.exclude_self));
  write_stream_atomically(options.out, [&](std::ostream& out) {
    out << "query,rank,id,score\n";
    for (size_t q = 0; q < results.size(); ++q) {
      for (size_t rank = 0; rank < results[q].size(); ++rank) {
        const search::Hit& hit = results[q][rank];
        out << csv_line({sets.queries.ids[q], std::to_string(rank + 1), sets.index.id(hit.row),
                         fmt::format("{}", hit.score)});
      }
    }
  });
  log_info(fmt::format("{}: {} in {}", options.out,
                       counted(sets.queries.size(), "query", "queries"),
                       counted(sets.index.size(), "embedding")));
}

}  // namespace

void declare_search(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--queries", options->queries, "embedding folder")->option_text("EMB")->required();
  app.add_option("--index", options->index, "embedding folder")->option_text("EMB")->required();
  add_output(app, "--out", options->out, "CSV file to write")->required();
  app.add_option("--top", options->top, "hits a query")->check(at_least(1))->capture_default_str();
  add_threads(app, options->threads);
  app.add_flag("--exclude-self", options->exclude_self,
               "leave out the index photo that has the query's id");
  declare_approximation(app, options->approximation);
  app.callback([options] { search_command(*options); });
}

}  // namespace cairn::apps
