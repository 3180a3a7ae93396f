#include "cairn/search/exact_index.h"

namespace cairn::search {

ExactIndex::ExactIndex(const Rows& rows, int /*threads*/) : rows_(rows) {}

std::vector<std::vector<Hit>> ExactIndex::search(const Rows& queries,
                                                 const SearchOptions& options) const {
  return search_exact(queries, rows_, options);
}

}  // namespace cairn::search
