// cairn index: what makes searching an embedding folder fast, kept in it.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/base/progress.h"
#include "cairn/embed/mapped_embeddings.h"
#include "cairn/search/stored_index.h"
#include "commands.h"
#include "numbers.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes EMB/search.cairn: a copy of the embeddings in 8 bits, a quarter of their size. `search` and
`retrieve` without re-ranking then neither load nor check the embeddings: they read the copy, at the
speed of memory, and in full only the few rows that may be hits. The results stay exact, to the byte.

The file belongs to the embeddings as they are. After they change (`embed`, `merge`) it is passed
over with a warning until `cairn index` makes it again; an index that still fits is left as it is.

Examples:
  cairn index emb/index
  cairn search --queries emb/test --index emb/index --out hits.csv
  cairn index --check emb/index        read the whole file and say whether it is sound)";

struct Options {
  std::vector<std::string> folders;
  int threads = 0;
  bool check = false;
};

void check_index(const std::filesystem::path& folder) {
  const auto opened = search::StoredIndex::open(folder);
  if (!opened.ok())
    throw Error(fmt::format("{}: {}; make it with cairn index",
                            (folder / search::kIndexFile).string(), opened.reason()));
  opened.value()->check();
  log_info(fmt::format("{}: sound", (folder / search::kIndexFile).string()));
}

bool has_fitting_index(const std::filesystem::path& folder) {
  try {
    return search::StoredIndex::open(folder).ok();
  } catch (const Error&) {
    return false;  // a damaged one, which is made again
  }
}

void make_index(const std::filesystem::path& folder, int threads) {
  const std::string file = (folder / search::kIndexFile).string();
  const embed::MappedEmbeddings set = embed::map_embeddings(folder);  // checks them
  if (has_fitting_index(folder)) {
    log_info(file + ": fits the embeddings already");
    return;
  }
  Progress progress("indexing", "rows", set.size());
  search::write_stored_index(folder, threads, [&](size_t rows) { progress.advance(rows); });
  log_info(fmt::format("{}: {} rows of {} numbers, {:.1f} MB", file, set.size(), set.dim,
                       static_cast<double>(std::filesystem::file_size(file)) / 1e6));
}

void index_command(const Options& options) {
  for (const std::string& folder : options.folders) {
    if (options.check)
      check_index(folder);
    else
      make_index(folder, options.threads);
  }
}

}  // namespace

void declare_index(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("folders", options->folders, "embedding folders (required)")
      ->option_text("EMB...")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--threads", options->threads, "0: all cores")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_flag("--check", options->check, "only check the files that are there");
  app.callback([options] { index_command(*options); });
}

}  // namespace cairn::apps
