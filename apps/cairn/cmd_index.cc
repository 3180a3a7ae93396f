// cairn index: what makes searching an embedding folder fast, kept in it.
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/progress.h"
#include "cairn/embed/mapped_embeddings.h"
#include "cairn/search/graph_index.h"
#include "cairn/search/stored_file.h"
#include "cairn/search/stored_index.h"
#include "commands.h"
#include "interrupt.h"
#include "numbers.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes EMB/search.cairn: a copy of the embeddings in 8 bits, a quarter of their size. `search` and
`retrieve` then read the copy, at the speed of memory, and in full only the few rows that may be hits.
Re-ranking searches in it too; without re-ranking the embeddings are neither loaded nor checked. The
results stay exact, to the byte.

With --hnsw it writes EMB/graph.cairn instead: a graph of neighbours (HNSW) for `search --approximate`
and `retrieve --approximate`, which look at a few thousand rows of millions and can miss some hits.
--store says how the graph keeps its vectors: int8 is the fastest and smallest; scores are exact with
any. With --threads 1 the same embeddings, options and seed give the same file.

A file belongs to the embeddings as they are. After they change (`embed`, `merge`) it is passed
over with a warning until `cairn index` makes it again; one that still fits is left as it is.

Examples:
  cairn index emb/index
  cairn search --queries emb/test --index emb/index --out hits.csv
  cairn index --hnsw --m 32 emb/index
  cairn search --queries emb/test --index emb/index --approximate --ef 300 --out hits.csv
  cairn index --check emb/index        read the whole files and say whether they are sound)";

const std::map<std::string, search::Store> kStores = {{"int8", search::Store::kInt8},
                                                      {"bf16", search::Store::kBfloat16},
                                                      {"f32", search::Store::kFloat32}};

struct Options {
  std::vector<std::string> folders;
  int threads = 0;
  bool check = false;
  bool hnsw = false;
  std::string store = "int8";
  search::GraphOptions graph;
};

template <typename Index>
void check_file(const std::filesystem::path& file,
                const Result<std::unique_ptr<const Index>>& opened) {
  if (!opened.ok())
    throw Error(fmt::format("{}: {}; make it with {}", file.string(), opened.reason(),
                            search::stored::command_for(file)));
  opened.value()->check();
  log_info(file.string() + ": sound");
}

void check_index(const std::filesystem::path& folder) {
  const std::filesystem::path copies = folder / search::kIndexFile;
  const std::filesystem::path graph = folder / search::kGraphFile;
  const bool graph_alone = std::filesystem::exists(graph) && !std::filesystem::exists(copies);
  if (!graph_alone) check_file(copies, search::StoredIndex::open(folder));
  if (std::filesystem::exists(graph)) check_file(graph, search::GraphIndex::open(folder));
}

// Whether there is a sound file that belongs to the embeddings.
bool has_fitting_index(const std::filesystem::path& folder, const search::GraphOptions* graph) {
  const auto is_sound = [](const auto& opened) {
    if (opened.ok()) opened.value()->check();
    return opened.ok();
  };
  try {
    if (graph == nullptr) return is_sound(search::StoredIndex::open(folder));
    const auto opened = search::GraphIndex::open(folder);
    return opened.ok() && opened.value()->made_with(*graph) && is_sound(opened);
  } catch (const Error&) {
    return false;  // a damaged one, which is made again
  }
}

void make_index(const std::filesystem::path& folder, const Options& options) {
  const std::string file =
      (folder / (options.hnsw ? search::kGraphFile : search::kIndexFile)).string();
  search::GraphOptions graph = options.graph;
  graph.store = kStores.at(options.store);
  graph.threads = options.threads;
  const embed::MappedEmbeddings set = embed::map_embeddings(folder);  // checks them
  if (has_fitting_index(folder, options.hnsw ? &graph : nullptr)) {
    log_info(file + ": fits the embeddings already");
    return;
  }
  make_room_for(file);
  {
    Progress progress("indexing", "rows", set.size());
    const auto on_done = [&](size_t rows) {
      if (interrupted()) throw Error(file + ": interrupted; nothing was written");
      progress.advance(rows);
    };
    graph.on_done = on_done;
    if (options.hnsw)
      search::write_graph_index(folder, graph);
    else
      search::write_stored_index(folder, options.threads, on_done);
  }
  log_info(fmt::format("{}: {} of {}, {:.1f} MB", file, counted(set.size(), "row"),
                       counted(set.dim, "number"),
                       static_cast<double>(std::filesystem::file_size(file)) / 1e6));
}

void index_command(const Options& options) {
  catch_interrupts();
  for (const std::string& folder : options.folders) {
    if (options.check)
      check_index(folder);
    else
      make_index(folder, options);
  }
}

}  // namespace

void declare_index(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("folders", options->folders, "embedding folders")
      ->option_text("EMB...")
      ->required()
      ->check(CLI::ExistingDirectory);
  add_threads(app, options->threads);
  app.add_flag("--check", options->check, "only check the files that are there");
  CLI::Option* hnsw =
      app.add_flag("--hnsw", options->hnsw, "make the graph for approximate search");
  app.add_option("--store", options->store, "of --hnsw: how it keeps vectors")
      ->check(CLI::IsMember(names_of(kStores)))
      ->needs(hnsw)
      ->capture_default_str();
  app.add_option("--m", options->graph.m,
                 "of --hnsw: links of a row, 4 to 256 (twice on the lowest level)")
      ->check(between(4, 256))
      ->needs(hnsw)
      ->capture_default_str();
  app.add_option("--ef-construction", options->graph.ef_construction,
                 "of --hnsw: rows kept in mind while a row looks for its links")
      ->check(at_least(1))
      ->needs(hnsw)
      ->capture_default_str();
  app.add_option("--seed", options->graph.seed, "of --hnsw: of the draw of levels")
      ->needs(hnsw)
      ->capture_default_str();
  app.callback([options] { index_command(*options); });
}

}  // namespace cairn::apps
