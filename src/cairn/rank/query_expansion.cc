#include "cairn/rank/query_expansion.h"

#include <cmath>

#include "cairn/rank/length.h"

namespace cairn::rank {

std::vector<float> expand_queries(const search::Rows& queries, const search::ExactIndex& index,
                                  const ExpansionOptions& options) {
  std::vector<float> expanded(queries.values.begin(), queries.values.end());
  if (options.photos == 0) return expanded;
  search::SearchOptions search;
  search.top = options.photos;
  search.threads = options.threads;
  const auto best = index.search(queries, search);
  for (size_t q = 0; q < best.size(); ++q) {
    std::vector<double> sum(queries.row(q), queries.row(q) + queries.dim);
    for (const search::Hit& hit : best[q]) {
      const double weight =
          options.alpha == 0 ? 1 : std::pow(std::max(0.0F, hit.score), options.alpha);
      for (size_t d = 0; d < queries.dim; ++d) sum[d] += weight * index.rows().row(hit.row)[d];
    }
    store_unit(sum, &expanded[q * queries.dim]);
  }
  return expanded;
}

}  // namespace cairn::rank
