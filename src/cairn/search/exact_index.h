// An index that is searched many times.
#pragma once

#include <memory>
#include <vector>

#include "cairn/search/exact_search.h"
#include "cairn/search/quantised_rows.h"
#include "cairn/search/stored_index.h"

namespace cairn::search {

// Rows with what makes searching them fast: 8-bit copies, where there are many rows and the
// processor multiplies them faster. search() answers as search_exact. Does not own the rows, nor
// the stored index of the same rows, which saves making copies.
class ExactIndex {
 public:
  explicit ExactIndex(const Rows& rows, int threads = 0, const StoredIndex* stored = nullptr);

  const Rows& rows() const { return rows_; }
  std::vector<std::vector<Hit>> search(const Rows& queries, const SearchOptions& options) const;

 private:
  Rows rows_;
  const StoredIndex* stored_ = nullptr;
  std::unique_ptr<const QuantisedRows> quantised_;
};

// One search of rows that are in memory: with copies where it has so many queries that making them
// pays. Answers as search_exact.
std::vector<std::vector<Hit>> search_once(const Rows& queries, const Rows& rows,
                                          const SearchOptions& options);

}  // namespace cairn::search
