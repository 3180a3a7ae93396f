// Approximate search: a graph of rows and their neighbours on several levels (Malkov, Yashunin
// 2016, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
// Small World graphs", arXiv 1603.09320), in a file beside the embeddings (docs/formats.md,
// "Indexes").
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/search/exact_search.h"
#include "cairn/search/vector_store.h"

namespace cairn::search {

inline constexpr const char* kGraphFile = "graph.cairn";

struct GraphOptions {
  size_t m = 16;                 // links of a row on the upper levels, twice as many on the first
  size_t ef_construction = 200;  // rows that are kept in mind while a row looks for its links
  Store store = Store::kInt8;    // the vectors that are searched
  uint64_t seed = 1;
  int threads = 0;  // with one the same rows give the same bytes
  // Called now and then, from any thread, with the number of rows that were added since.
  std::function<void(size_t)> on_done = {};
};

// Writes folder/graph.cairn for embeddings.npy and ids.txt there, of which it looks at the form
// only. Rows should be of length 1. The graph is built in memory, by hnswlib. Throws Error.
void write_graph_index(const std::filesystem::path& folder, const GraphOptions& options);

// Maps the file: opening reads a few pages, and a search the nodes that it passes; each block is
// checked when it is first needed.
class GraphIndex {
 public:
  // Why not, where the folder has no graph or its files have changed since. Throws Error, with the
  // file's name, where the graph is damaged or of an unknown version.
  static Result<std::unique_ptr<const GraphIndex>> open(const std::filesystem::path& folder);
  ~GraphIndex();

  size_t size() const;
  size_t dim() const;
  std::string_view id(size_t row) const;
  // Whether it was made with these (threads aside).
  bool made_with(const GraphOptions& options) const;

  // One list a query, in the order of search_exact: the best among `ef` rows (at least top) that
  // the search ends with. Their order in the store's numbers decides which are read in full (twice
  // top and some); scores are those of search_exact. A list can miss hits, and be shorter than top
  // where the search comes to fewer rows. Throws Error, also where the file turns out to be
  // damaged.
  std::vector<std::vector<Hit>> search(const Rows& queries, const SearchOptions& options,
                                       size_t ef) const;
  // Reads the whole file and what it was made of. Throws Error where it is damaged or that is
  // another.
  void check() const;

 private:
  class File;
  explicit GraphIndex(std::unique_ptr<const File> file);

  std::unique_ptr<const File> file_;
};

}  // namespace cairn::search
