#include "embeddings.h"

#include <filesystem>
#include <memory>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/progress.h"

namespace cairn::apps {

search::Rows rows_of(const embed::EmbeddingSet& set) { return {set.values, set.ids, set.dim}; }

search::Rows rows_of(const embed::MappedEmbeddings& set) { return {set.values, set.ids, set.dim}; }

void require_comparable(const embed::MappedEmbeddings& a, const std::string& folder_a,
                        const embed::MappedEmbeddings& b, const std::string& folder_b) {
  try {
    embed::require_comparable(a.dim, a.meta, b.dim, b.meta);
  } catch (const Error& error) {
    throw Error(folder_a + " and " + folder_b + ": " + error.what());
  }
}

QueriesAndIndex load_queries_and_index(const std::string& queries, const std::string& index) {
  QueriesAndIndex loaded{embed::load_embeddings(queries), embed::load_embeddings(index)};
  try {
    embed::require_comparable(loaded.queries, loaded.index);
  } catch (const Error& error) {
    throw Error(queries + " and " + index + ": " + error.what());
  }
  return loaded;
}

void make_folder_of(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (!folder.empty()) make_folder(folder);
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
