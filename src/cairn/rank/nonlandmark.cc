#include "cairn/rank/nonlandmark.h"

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/search/exact_index.h"

namespace cairn::rank {
namespace {

// The rows with one number more each.
std::vector<float> with_column(const search::Rows& rows, const std::function<float(size_t)>& last) {
  std::vector<float> values;
  values.reserve(rows.count() * (rows.dim + 1));
  for (size_t i = 0; i < rows.count(); ++i) {
    values.insert(values.end(), rows.row(i), rows.row(i) + rows.dim);
    values.push_back(last(i));
  }
  return values;
}

void add_neighbours(const ModelRows& model, const PenaltyOptions& options,
                    std::vector<std::vector<Neighbour>>& neighbours) {
  search::SearchOptions search;
  search.top = options.top_k;
  search.threads = options.threads;
  const std::vector<double> penalties = nonlandmark_similarity(
      model.references, model.nonlandmarks, options.of_references, 0, options.threads);
  const auto results = search_penalised(model.queries, model.references, penalties, search);
  for (size_t q = 0; q < results.size(); ++q)
    for (const search::Hit& hit : results[q])
      neighbours[q].push_back({model.landmarks[hit.row], hit.score});
}

std::vector<double> query_penalties(std::span<const ModelRows> models,
                                    const PenaltyOptions& options) {
  std::vector<search::Rows> queries;
  std::vector<search::Rows> nonlandmarks;
  for (const ModelRows& model : models) {
    queries.push_back(model.queries);
    nonlandmarks.push_back(model.nonlandmarks);
  }
  const std::vector<float> query_values = concatenate(queries);
  const std::vector<float> nonlandmark_values = concatenate(nonlandmarks);
  size_t dim = 0;
  for (const search::Rows& rows : queries) dim += rows.dim;
  return nonlandmark_similarity({query_values, queries[0].ids, dim},
                                {nonlandmark_values, nonlandmarks[0].ids, dim}, options.of_queries,
                                options.skip_of_queries, options.threads);
}

}  // namespace

std::vector<double> nonlandmark_similarity(const search::Rows& rows,
                                           const search::Rows& nonlandmarks, size_t top,
                                           size_t skip, int threads) {
  std::vector<double> means(rows.count(), 0);
  if (top == 0 || nonlandmarks.count() == 0) return means;
  search::SearchOptions options;
  options.top = top + skip;
  options.threads = threads;
  const auto results = search::search_once(rows, nonlandmarks, options);
  for (size_t i = 0; i < results.size(); ++i) {
    double sum = 0;
    for (size_t h = skip; h < results[i].size(); ++h) sum += results[i][h].score;
    if (results[i].size() > skip) means[i] = sum / static_cast<double>(results[i].size() - skip);
  }
  return means;
}

std::vector<std::vector<search::Hit>> search_penalised(const search::Rows& queries,
                                                       const search::Rows& references,
                                                       std::span<const double> penalties,
                                                       const search::SearchOptions& options) {
  CAIRN_ASSERT(penalties.size() == references.count());
  // As one more dimension the penalty is part of the inner product, and the search stays exact.
  const std::vector<float> longer_queries = with_column(queries, [](size_t) { return 1.0F; });
  const std::vector<float> longer_references =
      with_column(references, [&](size_t i) { return static_cast<float>(-penalties[i]); });
  return search::search_once({longer_queries, queries.ids, queries.dim + 1},
                             {longer_references, references.ids, references.dim + 1}, options);
}

std::vector<float> concatenate(std::span<const search::Rows> models) {
  std::vector<float> values;
  for (size_t i = 0; i < models[0].count(); ++i) {
    const size_t begin = values.size();
    double squares = 0;
    for (const search::Rows& rows : models) {
      for (size_t d = 0; d < rows.dim; ++d) {
        const float value = rows.row(i)[d];
        values.push_back(value);
        squares += static_cast<double>(value) * value;
      }
    }
    const auto factor = static_cast<float>(1 / std::max(1e-8, std::sqrt(squares)));
    for (size_t at = begin; at < values.size(); ++at) values[at] *= factor;
  }
  return values;
}

std::vector<std::optional<Vote>> recognize_penalised(std::span<const ModelRows> models,
                                                     const PenaltyOptions& options) {
  CAIRN_ASSERT(!models.empty());
  std::vector<std::vector<Neighbour>> neighbours(models[0].queries.count());
  for (const ModelRows& model : models) add_neighbours(model, options, neighbours);
  std::vector<std::optional<Vote>> votes;
  for (const auto& of_query : neighbours) votes.push_back(vote(of_query));
  if (options.of_queries == 0 || models[0].nonlandmarks.count() == 0) return votes;
  const std::vector<double> penalties = query_penalties(models, options);
  for (size_t q = 0; q < votes.size(); ++q)
    if (votes[q]) votes[q]->confidence -= penalties[q];
  return votes;
}

}  // namespace cairn::rank
