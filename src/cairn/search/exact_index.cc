#include "cairn/search/exact_index.h"

#include "cairn/base/error.h"
#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/quantise.h"

namespace cairn::search {
namespace {

// Below these, copying costs more than it saves.
constexpr size_t kManyRows = 8192;
constexpr size_t kManyQueries = 96;

}  // namespace

ExactIndex::ExactIndex(const Rows& rows, int threads, const StoredIndex* stored) : rows_(rows) {
  if (!kernels::has_int8_instructions()) return;
  if (stored != nullptr) {
    CAIRN_ASSERT(stored->size() == rows.count() && stored->dim() == rows.dim);
    stored_ = stored;
  } else if (rows.count() >= kManyRows && rows.dim <= kMostDim) {
    quantised_ = std::make_unique<const QuantisedRows>(rows, threads);
  }
}

std::vector<std::vector<Hit>> ExactIndex::search(const Rows& queries,
                                                 const SearchOptions& options) const {
  if (stored_ != nullptr) return stored_->search(queries, options);
  return quantised_ ? quantised_->search(queries, options) : search_exact(queries, rows_, options);
}

std::vector<std::vector<Hit>> search_once(const Rows& queries, const Rows& rows,
                                          const SearchOptions& options) {
  return queries.count() < kManyQueries
             ? search_exact(queries, rows, options)
             : ExactIndex(rows, options.threads).search(queries, options);
}

}  // namespace cairn::search
