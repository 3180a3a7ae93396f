// What the commands that search have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cairn/embed/embedding_set.h"
#include "cairn/embed/mapped_embeddings.h"
#include "cairn/search/exact_search.h"
#include "cairn/search/graph_index.h"
#include "cairn/search/stored_index.h"

namespace cairn::apps {

search::Rows rows_of(const embed::EmbeddingSet& set);
search::Rows rows_of(const embed::MappedEmbeddings& set);

// Loads two embedding folders that one model made. Throws Error; the message names the folders
// where they do not fit each other.
struct QueriesAndIndex {
  embed::EmbeddingSet queries;
  embed::EmbeddingSet index;
};
QueriesAndIndex load_queries_and_index(const std::string& queries, const std::string& index);

// Throws Error, with the names of the folders, where one model did not make both; warns where it
// saw their photos differently prepared.
void require_comparable(const embed::EmbeddingSet& a, const std::string& folder_a,
                        const embed::EmbeddingSet& b, const std::string& folder_b);
void require_comparable(const embed::MappedEmbeddings& a, const std::string& folder_a,
                        const embed::MappedEmbeddings& b, const std::string& folder_b);

// The search index of a folder, where it has one that fits; warns of one that does not.
std::unique_ptr<const search::StoredIndex> stored_index_of(const std::string& folder);

// How an index is searched.
struct Approximation {
  bool on = false;  // through graph.cairn
  size_t ef = 200;  // see GraphIndex::search
};

// The index side of a search: through the folder's search.cairn (`cairn index`) where it has one
// that fits, else all its rows in memory; approximate through its graph.cairn, which must be there.
class OpenIndex {
 public:
  OpenIndex(const std::string& folder, const Approximation& approximation);

  size_t size() const;
  size_t dim() const;
  std::string id(size_t row) const;
  const std::string& meta() const { return meta_; }
  std::vector<std::vector<search::Hit>> search(const search::Rows& queries,
                                               const search::SearchOptions& options) const;

 private:
  Approximation approximation_;
  std::unique_ptr<const search::GraphIndex> graph_;
  std::unique_ptr<const search::StoredIndex> stored_;
  embed::EmbeddingSet loaded_;  // where there is none
  std::string meta_;
};

struct PlainSearch {
  embed::EmbeddingSet queries;
  OpenIndex index;
};
// Throws Error as load_queries_and_index.
PlainSearch open_queries_and_index(const std::string& queries, const std::string& index,
                                   const Approximation& approximation);

void declare_approximation(CLI::App& app, Approximation& approximation);

// Options that show the progress of a search for so many queries, until they are destroyed.
search::SearchOptions search_options(size_t top, int threads, size_t queries,
                                     bool exclude_self = false);

}  // namespace cairn::apps
