#include "cairn/search/exact_index.h"

#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/quantise.h"

namespace cairn::search {
namespace {

// Below these, copying costs more than it saves.
constexpr size_t kManyRows = 8192;

}  // namespace

ExactIndex::ExactIndex(const Rows& rows, int threads) : rows_(rows) {
  if (rows.count() >= kManyRows && rows.dim <= kMostDim && kernels::has_int8_instructions())
    quantised_ = std::make_unique<const QuantisedRows>(rows, threads);
}

std::vector<std::vector<Hit>> ExactIndex::search(const Rows& queries,
                                                 const SearchOptions& options) const {
  return quantised_ ? quantised_->search(queries, options) : search_exact(queries, rows_, options);
}

}  // namespace cairn::search
