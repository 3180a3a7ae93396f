#include "cairn/rank/similarities.h"

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/dot.h"
#include "cairn/search/top_hits.h"

namespace cairn::rank {

Similarities cosine_similarities(const search::Rows& queries, const search::Rows& photos,
                                 int threads) {
  if (queries.dim != photos.dim)
    throw Error("the queries have " + std::to_string(queries.dim) + " dimensions, the index " +
                std::to_string(photos.dim) + ": embed both with the same model");
  Similarities all(queries.count(), photos.count());
  // A block of photos stays in the cache for all queries.
  constexpr size_t kBlock = 128;
  parallel_each((photos.count() + kBlock - 1) / kBlock, resolve_threads(threads), [&](size_t b) {
    const size_t end = std::min((b + 1) * kBlock, photos.count());
    const size_t begin = b * kBlock;
    const float* rows[kBlock];
    double products[kBlock];
    for (size_t i = begin; i < end; ++i) rows[i - begin] = photos.row(i);
    for (size_t q = 0; q < queries.count(); ++q) {
      search::dots(queries.row(q), rows, end - begin, photos.dim, products);
      for (size_t i = begin; i < end; ++i) all.row(q)[i] = static_cast<float>(products[i - begin]);
    }
  });
  return all;
}

void add_weighted(Similarities& sum, const Similarities& other, double weight) {
  CAIRN_ASSERT(sum.queries == other.queries && sum.photos == other.photos);
  for (size_t i = 0; i < sum.values.size(); ++i)
    sum.values[i] = static_cast<float>(sum.values[i] + weight * other.values[i]);
}

std::vector<std::vector<search::Hit>> best_photos(const Similarities& similarities,
                                                  std::span<const std::string> ids, size_t top,
                                                  int threads) {
  CAIRN_ASSERT(ids.size() == similarities.photos);
  std::vector<std::vector<search::Hit>> best(similarities.queries);
  parallel_each(similarities.queries, resolve_threads(threads), [&](size_t q) {
    search::TopHits hits(top, ids);
    const std::span<const float> row = similarities.row(q);
    for (size_t i = 0; i < row.size(); ++i)
      if (row[i] >= hits.worst()) hits.add({i, row[i]});
    best[q] = hits.take();
  });
  return best;
}

}  // namespace cairn::rank
