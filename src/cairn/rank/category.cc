#include "cairn/rank/category.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/rank/length.h"
#include "cairn/search/dot.h"

namespace cairn::rank {

void promote(Similarities& similarities, const std::function<bool(size_t, size_t)>& belongs,
             int threads) {
  parallel_each(similarities.queries, resolve_threads(threads), [&](size_t q) {
    const std::span<float> row = similarities.row(q);
    std::vector<size_t> order(row.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return row[a] > row[b]; });
    std::stable_partition(order.begin(), order.end(), [&](size_t i) { return belongs(q, i); });
    for (size_t rank = 0; rank < order.size(); ++rank)
      row[order[rank]] =
          static_cast<float>(1 - static_cast<double>(rank) / static_cast<double>(order.size()));
  });
}

void rerank_by_category(Similarities& similarities, std::span<const int64_t> queries,
                        std::span<const int64_t> photos, int threads) {
  CAIRN_ASSERT(queries.size() == similarities.queries && photos.size() == similarities.photos);
  promote(
      similarities, [&](size_t q, size_t i) { return queries[q] >= 0 && queries[q] == photos[i]; },
      threads);
}

void rerank_by_category_expansion(Similarities& similarities, const search::Rows& queries,
                                  const search::Rows& photos, const References& references,
                                  const CategoryExpansionOptions& options) {
  search::SearchOptions search;
  search.top = options.top;
  search.threads = options.threads;
  std::map<int64_t, std::vector<size_t>> rows_of;
  for (size_t i = 0; i < references.landmarks.size(); ++i)
    if (references.landmarks[i] >= 0) rows_of[references.landmarks[i]].push_back(i);
  const search::Rows& rows = references.rows->rows();
  const auto best = references.rows->search(queries, search);
  promote(
      similarities,
      [&](size_t q, size_t i) {
        std::set<int64_t> landmarks;
        for (const search::Hit& hit : best[q]) landmarks.insert(references.landmarks[hit.row]);
        for (const int64_t landmark : landmarks) {
          const auto found = rows_of.find(landmark);
          if (found == rows_of.end()) continue;
          for (const size_t row : found->second)
            if (search::dot(photos.row(i), rows.row(row), rows.dim) > options.similarity)
              return true;
        }
        return false;
      },
      options.threads);
}

std::vector<ScoredTag> nearest_mean_tags(const search::Rows& queries, const search::Rows& rows,
                                         std::span<const int64_t> tags, int threads) {
  CAIRN_ASSERT(tags.size() == rows.count());
  std::map<int64_t, std::vector<double>> sums;
  for (size_t i = 0; i < rows.count(); ++i) {
    auto& sum = sums.try_emplace(tags[i], rows.dim, 0.0).first->second;
    for (size_t d = 0; d < rows.dim; ++d) sum[d] += rows.row(i)[d];
  }
  std::vector<float> means(sums.size() * rows.dim);
  std::vector<int64_t> tag_of;
  std::vector<std::string> ids;  // equal cosines go by id: numbers of one width
  for (const auto& [tag, sum] : sums) {
    store_unit(sum, &means[tag_of.size() * rows.dim]);
    ids.push_back(std::to_string(1'000'000'000 + tag_of.size()));
    tag_of.push_back(tag);
  }
  return nearest_row_tags(queries, search::ExactIndex({means, ids, rows.dim}, threads), tag_of,
                          threads);
}

std::vector<ScoredTag> nearest_row_tags(const search::Rows& queries, const search::ExactIndex& rows,
                                        std::span<const int64_t> tags, int threads) {
  search::SearchOptions nearest;
  nearest.top = 1;
  nearest.threads = threads;
  std::vector<ScoredTag> result;
  for (const auto& hits : rows.search(queries, nearest)) {
    CAIRN_ASSERT(!hits.empty());
    result.push_back({tags[hits[0].row], hits[0].score});
  }
  return result;
}

int64_t merge_tags(std::span<const ScoredTag> tags, std::span<const double> weights,
                   bool agreement) {
  CAIRN_ASSERT(!tags.empty() && tags.size() == weights.size());
  std::map<int64_t, double> sums;
  for (size_t m = 0; m < tags.size(); ++m) sums[tags[m].tag] += weights[m] * tags[m].score;
  if (agreement && sums.size() > 1 && sums.size() == tags.size()) return -1;
  const auto best = std::max_element(
      sums.begin(), sums.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return best->first;
}

}  // namespace cairn::rank
