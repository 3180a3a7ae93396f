#include "cairn/rank/diffusion.h"

#include <algorithm>
#include <cmath>

#include "cairn/base/thread_pool.h"
#include "cairn/rank/length.h"
#include "cairn/search/dot.h"
#include "cairn/search/exact_index.h"

namespace cairn::rank {
namespace {

struct Edge {
  size_t to = 0;
  double weight = 0;
};

std::vector<std::vector<Edge>> edges_of(const search::Rows& rows, const DiffusionOptions& options) {
  search::SearchOptions search;
  search.top = options.neighbours;
  search.threads = options.threads;
  std::vector<float> queries(rows.values.begin(), rows.values.end());
  if (options.least_similar)
    for (float& value : queries) value = -value;
  const auto near =
      search::ExactIndex(rows, options.threads).search({queries, rows.ids, rows.dim}, search);
  std::vector<std::vector<Edge>> edges(rows.count());
  for (size_t i = 0; i < rows.count(); ++i) {
    const auto add = [&](size_t to) {
      const double similarity = search::dot(rows.row(i), rows.row(to), rows.dim);
      edges[i].push_back({to, std::exp(similarity / options.temperature)});
    };
    for (const search::Hit& hit : near[i]) add(hit.row);
    const bool has_itself = std::any_of(near[i].begin(), near[i].end(),
                                        [i](const search::Hit& hit) { return hit.row == i; });
    if (!has_itself) add(i);
  }
  return edges;
}

std::vector<float> diffuse_once(const search::Rows& rows, const DiffusionOptions& options) {
  const auto edges = edges_of(rows, options);
  std::vector<double> of_row(rows.count(), 0);
  std::vector<double> of_column(rows.count(), 0);
  for (size_t i = 0; i < rows.count(); ++i) {
    for (const Edge& edge : edges[i]) {
      of_row[i] += edge.weight;
      of_column[edge.to] += edge.weight;
    }
  }
  std::vector<float> result(rows.values.size());
  parallel_for(rows.count(), resolve_threads(options.threads), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      std::vector<double> sum(rows.dim, 0);
      for (const Edge& edge : edges[i]) {
        const double weight = edge.weight / std::sqrt(of_row[i] * of_column[edge.to]);
        for (size_t d = 0; d < rows.dim; ++d) sum[d] += weight * rows.row(edge.to)[d];
      }
      store_unit(sum, &result[i * rows.dim]);
    }
  });
  return result;
}

}  // namespace

std::vector<float> diffuse(const search::Rows& rows, const DiffusionOptions& options) {
  std::vector<float> values(rows.values.begin(), rows.values.end());
  for (size_t i = 0; i < options.iterations; ++i)
    values = diffuse_once({values, rows.ids, rows.dim}, options);
  return values;
}

}  // namespace cairn::rank
