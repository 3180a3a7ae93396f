// The index of an embedding folder: 8-bit copies of its rows in a file beside them, so that a
// search neither makes them nor reads the rows (docs/formats.md, "Search index").
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/mapped_file.h"
#include "cairn/search/row_copies.h"

namespace cairn::search {

inline constexpr const char* kIndexFile = "search.cairn";
// Larger embeddings are read row by row: mapped rows are several times as fast, but pages around
// them stay in memory.
inline constexpr uint64_t kMostMapped = uint64_t{9} << 28;

// Writes folder/search.cairn for embeddings.npy and ids.txt there, of which it looks at the form
// only (embed::map_embeddings checks them). Reads the rows once, piece by piece. Throws Error.
void write_stored_index(const std::filesystem::path& folder, int threads,
                        const std::function<void(size_t)>& on_done = {});

// Maps the file: opening reads a few pages, however many rows there are, and a search the copies
// and the rows that it scores. Each block of the file is checked when it is first needed.
class StoredIndex {
 public:
  // Why not, where the folder has no index or its files have changed since. Throws Error, with the
  // file's name, where the index is damaged or of an unknown version.
  static Result<std::unique_ptr<const StoredIndex>> open(const std::filesystem::path& folder,
                                                         uint64_t most_mapped = kMostMapped);
  ~StoredIndex();

  size_t size() const;
  size_t dim() const;
  std::string_view id(size_t row) const;

  // The lists of search_exact. Throws Error, also where the file turns out to be damaged.
  std::vector<std::vector<Hit>> search(const Rows& queries, const SearchOptions& options) const;
  // Reads the whole file and what it was made of. Throws Error where it is damaged or that is
  // another.
  void check() const;

 private:
  class File;
  explicit StoredIndex(std::unique_ptr<const File> file);

  std::unique_ptr<const File> file_;
};

}  // namespace cairn::search
