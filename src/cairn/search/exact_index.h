// An index that is searched many times.
#pragma once

#include <vector>

#include "cairn/search/exact_search.h"

namespace cairn::search {

// Rows with what makes searching them fast; search() answers as search_exact. Does not own the
// rows.
class ExactIndex {
 public:
  explicit ExactIndex(const Rows& rows, int threads = 0);

  const Rows& rows() const { return rows_; }
  std::vector<std::vector<Hit>> search(const Rows& queries, const SearchOptions& options) const;

 private:
  Rows rows_;
};

}  // namespace cairn::search
