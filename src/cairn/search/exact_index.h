// An index that is searched many times.
#pragma once

#include <memory>
#include <vector>

#include "cairn/search/exact_search.h"
#include "cairn/search/quantised_rows.h"

namespace cairn::search {

// Rows with what makes searching them fast: 8-bit copies, where there are many rows and the
// processor multiplies them faster. search() answers as search_exact. Does not own the rows.
class ExactIndex {
 public:
  explicit ExactIndex(const Rows& rows, int threads = 0);

  const Rows& rows() const { return rows_; }
  std::vector<std::vector<Hit>> search(const Rows& queries, const SearchOptions& options) const;

 private:
  Rows rows_;
  std::unique_ptr<const QuantisedRows> quantised_;
};

}  // namespace cairn::search
