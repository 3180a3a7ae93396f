#include "embeddings.h"

#include <memory>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/progress.h"
#include "cairn/search/exact_index.h"
#include "numbers.h"

namespace cairn::apps {

search::Rows rows_of(const embed::EmbeddingSet& set) { return {set.values, set.ids, set.dim}; }

search::Rows rows_of(const embed::MappedEmbeddings& set) { return {set.values, set.ids, set.dim}; }

namespace {

void require_comparable(size_t dim_a, const std::string& meta_a, const std::string& folder_a,
                        size_t dim_b, const std::string& meta_b, const std::string& folder_b) {
  const std::string both = folder_a + " and " + folder_b + ": ";
  try {
    embed::require_comparable(dim_a, meta_a, dim_b, meta_b);
  } catch (const Error& error) {
    throw Error(both + error.what());
  }
  const std::string other = embed::other_preparation(meta_a, meta_b);
  if (!other.empty())
    log_warning(both + "embedded with another " + other +
                "; they are compared as they are, which costs accuracy");
}

}  // namespace

void require_comparable(const embed::EmbeddingSet& a, const std::string& folder_a,
                        const embed::EmbeddingSet& b, const std::string& folder_b) {
  require_comparable(a.dim, a.meta, folder_a, b.dim, b.meta, folder_b);
}

void require_comparable(const embed::MappedEmbeddings& a, const std::string& folder_a,
                        const embed::MappedEmbeddings& b, const std::string& folder_b) {
  require_comparable(a.dim, a.meta, folder_a, b.dim, b.meta, folder_b);
}

QueriesAndIndex load_queries_and_index(const std::string& queries, const std::string& index) {
  QueriesAndIndex loaded{embed::load_embeddings(queries), embed::load_embeddings(index)};
  require_comparable(loaded.queries, queries, loaded.index, index);
  return loaded;
}

std::unique_ptr<const search::StoredIndex> stored_index_of(const std::string& folder) {
  const std::filesystem::path file = std::filesystem::path(folder) / search::kIndexFile;
  if (!std::filesystem::exists(file)) return nullptr;
  auto opened = search::StoredIndex::open(folder);
  if (opened.ok()) return std::move(opened.value());
  log_warning(file.string() + " is not used: " + opened.reason() +
              "; make it again with cairn index");
  return nullptr;
}

OpenIndex::OpenIndex(const std::string& folder, const Approximation& approximation)
    : approximation_(approximation) {
  const std::filesystem::path path = folder;
  if (approximation.on) {
    auto opened = search::GraphIndex::open(path);
    if (!opened.ok())
      throw Error((path / search::kGraphFile).string() + ": " + opened.reason() +
                  "; make it with cairn index --hnsw, or search without --approximate");
    graph_ = std::move(opened.value());
  } else {
    stored_ = stored_index_of(folder);
  }
  if (graph_ || stored_) {
    meta_ = read_text(path / "meta.json");
    return;
  }
  loaded_ = embed::load_embeddings(folder);
  meta_ = loaded_.meta;
}

size_t OpenIndex::size() const {
  if (graph_) return graph_->size();
  return stored_ ? stored_->size() : loaded_.size();
}

size_t OpenIndex::dim() const {
  if (graph_) return graph_->dim();
  return stored_ ? stored_->dim() : loaded_.dim;
}

std::string OpenIndex::id(size_t row) const {
  if (graph_) return std::string(graph_->id(row));
  return stored_ ? std::string(stored_->id(row)) : loaded_.ids[row];
}

std::vector<std::vector<search::Hit>> OpenIndex::search(
    const search::Rows& queries, const search::SearchOptions& options) const {
  if (graph_) return graph_->search(queries, options, approximation_.ef);
  if (stored_) return stored_->search(queries, options);
  return search::search_once(queries, rows_of(loaded_), options);
}

void declare_approximation(CLI::App& app, Approximation& approximation) {
  CLI::Option* on = app.add_flag("--approximate", approximation.on,
                                 "search the graph of cairn index --hnsw, which can miss hits");
  app.add_option("--ef", approximation.ef,
                 "of --approximate: rows the search keeps in mind; more find more, slower")
      ->needs(on)
      ->check(at_least(1))
      ->capture_default_str();
}

PlainSearch open_queries_and_index(const std::string& queries, const std::string& index,
                                   const Approximation& approximation) {
  PlainSearch opened{embed::load_embeddings(queries), OpenIndex(index, approximation)};
  require_comparable(opened.queries.dim, opened.queries.meta, queries, opened.index.dim(),
                     opened.index.meta(), index);
  return opened;
}

search::SearchOptions search_options(size_t top, int threads, size_t queries, bool exclude_self) {
  search::SearchOptions options;
  options.top = top;
  options.threads = threads;
  options.exclude_self = exclude_self;
  const auto progress = std::make_shared<Progress>("searching", "queries", queries);
  options.on_done = [progress](size_t done) { progress->advance(done); };
  return options;
}

}  // namespace cairn::apps
