#include "cairn/rank/k_reciprocal.h"

#include <algorithm>
#include <string>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/rank/fast_score.h"
#include "cairn/rank/reciprocal_graph.h"
#include "cairn/search/dot.h"
#include "cairn/search/kept_neighbours.h"

namespace cairn::rank {
namespace {

// Ids that are in the order of the rows: what is equally near comes in that order.
std::vector<std::string> numbered_ids(size_t count) {
  constexpr size_t kDigits = 10;
  std::vector<std::string> ids;
  ids.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    std::string digits = std::to_string(i);
    ids.push_back(std::string(kDigits - digits.size(), '0') + digits);
  }
  return ids;
}

// The k + 1 rows nearest to each row, itself among them.
std::vector<std::vector<uint32_t>> nearest_rows(const search::Rows& rows, size_t k, int threads) {
  search::SearchOptions options;
  options.top = k + 1;
  options.threads = threads;
  std::vector<std::vector<uint32_t>> nearest;
  nearest.reserve(rows.count());
  for (const auto& hits : search::ExactIndex(rows, threads).search(rows, options)) {
    const auto self = static_cast<uint32_t>(nearest.size());
    std::vector<uint32_t> list;
    for (const search::Hit& hit : hits) list.push_back(static_cast<uint32_t>(hit.row));
    put_self_in(list, self);
    nearest.push_back(std::move(list));
  }
  return nearest;
}

// The largest squared distance of each row to any row.
std::vector<double> largest_distances(const search::Rows& rows, int threads) {
  std::vector<float> opposite(rows.values.begin(), rows.values.end());
  for (float& value : opposite) value = -value;
  search::SearchOptions options;
  options.top = 1;
  options.threads = threads;
  std::vector<double> largest;
  for (const auto& hits : search::search_exact({opposite, rows.ids, rows.dim}, rows, options))
    largest.push_back(2 + 2 * static_cast<double>(hits.at(0).score));
  return largest;
}

ReciprocalGraph graph_of_set(const search::Rows& rows, size_t k1, size_t k2) {
  return {nearest_rows(rows, k1, 1),
          [&](size_t i, size_t j) {
            return half_distance(search::dot(rows.row(i), rows.row(j), rows.dim));
          },
          {.k1 = k1, .k2 = k2}};
}

std::vector<float> gather(const search::Rows& rows, std::span<const size_t> which) {
  std::vector<float> values;
  values.reserve(which.size() * rows.dim);
  for (const size_t i : which) values.insert(values.end(), rows.row(i), rows.row(i) + rows.dim);
  return values;
}

void sort_unique(std::vector<size_t>& rows) {
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
}

std::vector<search::Hit> rank_surroundings(const float* query, std::span<const size_t> surroundings,
                                           const search::Rows& photos,
                                           const FastKReciprocalOptions& options) {
  std::vector<float> values(query, query + photos.dim);
  const std::vector<float> others = gather(photos, surroundings);
  values.insert(values.end(), others.begin(), others.end());
  const std::vector<std::string> ids = numbered_ids(surroundings.size() + 1);
  const std::vector<float> jaccard = set_jaccard({values, ids, photos.dim}, options.k1, options.k2);
  std::vector<search::Hit> hits;
  for (size_t i = 0; i < surroundings.size(); ++i) {
    const double cosine = search::dot(query, photos.row(surroundings[i]), photos.dim);
    hits.push_back({surroundings[i], fast_score(cosine, jaccard[i], options.lambda)});
  }
  sort_by_score(hits, photos.ids);
  return hits;
}

}  // namespace

Similarities k_reciprocal_distances(const search::Rows& queries, const search::Rows& photos,
                                    const KReciprocalOptions& options) {
  if (queries.dim != photos.dim) throw Error("queries and index differ in their dimensions");
  const size_t count = queries.count() + photos.count();
  std::vector<float> values(queries.values.begin(), queries.values.end());
  values.insert(values.end(), photos.values.begin(), photos.values.end());
  const std::vector<std::string> ids = numbered_ids(count);
  const search::Rows rows{values, ids, queries.dim};
  const std::vector<double> largest =
      options.scaled ? largest_distances(rows, options.threads) : std::vector<double>();
  const auto distance = [&](size_t i, size_t j) {
    const double cosine = search::dot(rows.row(i), rows.row(j), rows.dim);
    if (!options.scaled) return half_distance(cosine);
    return largest[i] > 0 ? (2 - 2 * cosine) / largest[i] : 0;
  };
  const int threads = resolve_threads(options.threads);
  const ReciprocalGraph graph(nearest_rows(rows, options.k1, threads), distance,
                              {options.k1, options.k2, options.half, threads});
  Similarities result(queries.count(), photos.count());
  const auto share = [&](float jaccard) {
    const double of_jaccard = 1 - options.lambda;
    return options.half ? to_half(to_half(of_jaccard) * jaccard) : of_jaccard * jaccard;
  };
  parallel_each(queries.count(), threads, [&](size_t q) {
    const std::vector<float> jaccard = graph.jaccard(q);
    for (size_t i = 0; i < photos.count(); ++i) {
      const size_t node = queries.count() + i;
      result.row(q)[i] =
          static_cast<float>(share(jaccard[node]) + options.lambda * distance(q, node));
    }
  });
  return result;
}

std::vector<std::vector<search::Hit>> fast_k_reciprocal(const search::Rows& queries,
                                                        const search::ExactIndex& photos,
                                                        const FastKReciprocalOptions& options) {
  const search::SearchOptions search{.top = options.neighbours, .threads = options.threads};
  std::vector<std::vector<size_t>> nearest;
  std::vector<size_t> candidates;
  for (const auto& hits : photos.search(queries, search)) {
    nearest.emplace_back();
    for (const search::Hit& hit : hits) nearest.back().push_back(hit.row);
    candidates.insert(candidates.end(), nearest.back().begin(), nearest.back().end());
  }
  sort_unique(candidates);
  const auto neighbours =
      search::kept_neighbours(options.keep, photos.rows(), candidates, photos, search);
  std::vector<std::vector<search::Hit>> results(queries.count());
  parallel_each(queries.count(), resolve_threads(options.threads), [&](size_t q) {
    std::vector<size_t> surroundings = nearest[q];
    for (const size_t row : nearest[q]) {
      const auto at = std::lower_bound(candidates.begin(), candidates.end(), row);
      const auto& its = neighbours[static_cast<size_t>(at - candidates.begin())];
      surroundings.insert(surroundings.end(), its.begin(), its.end());
    }
    sort_unique(surroundings);
    results[q] = rank_surroundings(queries.row(q), surroundings, photos.rows(), options);
    if (options.on_done) options.on_done(1);
  });
  return results;
}

Similarities fast_k_reciprocal_similarities(const search::Rows& queries,
                                            const search::ExactIndex& photos,
                                            const FastKReciprocalOptions& options) {
  Similarities all = cosine_similarities(queries, photos.rows(), options.threads);
  for (float& value : all.values) value = fast_score(value, 1, options.lambda);
  const auto near = fast_k_reciprocal(queries, photos, options);
  for (size_t q = 0; q < near.size(); ++q)
    for (const search::Hit& hit : near[q]) all.row(q)[hit.row] = hit.score;
  return all;
}

std::vector<float> set_jaccard(const search::Rows& rows, size_t k1, size_t k2) {
  std::vector<float> distances = graph_of_set(rows, k1, k2).jaccard(0);
  distances.erase(distances.begin());
  return distances;
}

}  // namespace cairn::rank
