#include "cairn/search/exact_index.h"

namespace cairn::search {
namespace {

// Below these, copying costs more than it saves.
constexpr size_t kManyRows = 8192;
constexpr size_t kManyQueries = 96;

}  // namespace

ExactIndex::ExactIndex(const Rows& rows, int threads) : rows_(rows) {
  if (rows.count() >= kManyRows && kernels::has_int8_instructions())
    quantised_ = std::make_unique<const QuantisedRows>(rows, threads);
}

std::vector<std::vector<Hit>> ExactIndex::search(const Rows& queries,
                                                 const SearchOptions& options) const {
  const bool fast = quantised_ && queries.count() >= kManyQueries && queries.dim == rows_.dim &&
                    options.top > 0 && !options.exclude_self;
  return fast ? quantised_->search(queries, options) : search_exact(queries, rows_, options);
}

}  // namespace cairn::search
