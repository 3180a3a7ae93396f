#include "cairn/search/exact_search.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/dot.h"
#include "cairn/search/merged_parts.h"
#include "cairn/search/top_hits.h"

namespace cairn::search {
namespace {

// A block of products is kQueryBlock × kIndexBlock float32: 256 KB, half of a core's second-level
// cache on current processors leaves room for the rows it is made from.
constexpr size_t kQueryBlock = 128;
constexpr size_t kIndexBlock = 512;
constexpr size_t kGroup = 16;  // products that are looked at together
constexpr size_t kNoRow = static_cast<size_t>(-1);

// One thread in oneDNN while it lives: the threads here are the parallel ones.
class SingleThreadedMath {
 public:
  SingleThreadedMath() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~SingleThreadedMath() { omp_set_num_threads(before_); }
  SingleThreadedMath(const SingleThreadedMath&) = delete;
  SingleThreadedMath& operator=(const SingleThreadedMath&) = delete;

 private:
  int before_;
};

class Searcher {
 public:
  Searcher(const Rows& queries, const Rows& index, const SearchOptions& options)
      : queries_(queries), index_(index), options_(options) {
    const int threads = resolve_threads(options.threads);
    blocks_ = (queries.count() + kQueryBlock - 1) / kQueryBlock;
    // Few queries: several threads share a block of them, each with a part of the index.
    const size_t wanted =
        (static_cast<size_t>(threads) * 4 + blocks_ - 1) / std::max<size_t>(1, blocks_);
    parts_ = std::clamp<size_t>(wanted, 1, std::max<size_t>(1, index.count() / (8 * kIndexBlock)));
    if (options.exclude_self) {
      for (size_t i = 0; i < index.count(); ++i) row_of_id_.emplace(index.ids[i], i);
    }
    longest_ = longest_row(threads);
  }

  std::vector<std::vector<Hit>> run() {
    std::vector<std::vector<Hit>> results(queries_.count());
    std::vector<MergedParts<TopHits>> merged(blocks_);
    parallel_each(blocks_ * parts_, resolve_threads(options_.threads), [&](size_t task) {
      const size_t block = task / parts_;
      const size_t part = task % parts_;
      const size_t begin = block * kQueryBlock;
      const size_t end = std::min(begin + kQueryBlock, queries_.count());
      std::vector<TopHits> hits =
          scan(begin, end, index_.count() * part / parts_, index_.count() * (part + 1) / parts_);
      if (!merged[block].merge(std::move(hits), parts_)) return;
      std::vector<TopHits> all = merged[block].take();
      for (size_t q = begin; q < end; ++q) results[q] = all[q - begin].take();
      if (options_.on_done) options_.on_done(end - begin);
    });
    return results;
  }

 private:
  double longest_row(int threads) const {
    std::mutex mutex;
    double longest = 0;
    parallel_for(index_.count(), threads, [&](size_t begin, size_t end) {
      double its = 0;
      for (size_t i = begin; i < end; ++i)
        its = std::max(its, length_bound(index_.row(i), index_.dim));
      const std::lock_guard lock(mutex);
      longest = std::max(longest, its);
    });
    return longest;
  }

  // Hits of queries [begin, end) among index rows [first, last).
  std::vector<TopHits> scan(size_t begin, size_t end, size_t first, size_t last) const {
    const SingleThreadedMath single_threaded;
    std::vector<TopHits> hits(end - begin, TopHits(options_.top, index_.ids));
    std::vector<double> margins;
    std::vector<size_t> self;
    for (size_t q = begin; q < end; ++q) {
      margins.push_back(rounding_error(length_bound(queries_.row(q), queries_.dim)));
      const auto found = row_of_id_.find(queries_.ids[q]);
      self.push_back(found == row_of_id_.end() ? kNoRow : found->second);
    }
    std::vector<float> products((end - begin) * kIndexBlock);
    for (size_t row = first; row < last; row += kIndexBlock) {
      const size_t rows = std::min(kIndexBlock, last - row);
      multiply(begin, end - begin, row, rows, products.data());
      for (size_t q = begin; q < end; ++q) {
        const std::span<const float> line(products.data() + (q - begin) * rows, rows);
        collect(queries_.row(q), line, row, self[q - begin], margins[q - begin], hits[q - begin]);
      }
    }
    return hits;
  }

  // The most that a float32 inner product can differ from the true one, whatever the order of its
  // sums (Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1).
  double rounding_error(double query_length) const {
    const double n = static_cast<double>(index_.dim) * 0x1p-24;
    return n / (1 - n) * query_length * longest_;
  }

  // products = queries × index rows, row-major.
  void multiply(size_t query, size_t queries, size_t row, size_t rows, float* products) const {
    const auto k = static_cast<dnnl_dim_t>(index_.dim);
    const auto n = static_cast<dnnl_dim_t>(rows);
    const dnnl_status_t status =
        dnnl_sgemm('N', 'T', static_cast<dnnl_dim_t>(queries), n, k, 1.0F, queries_.row(query), k,
                   index_.row(row), k, 0.0F, products, n);
    CAIRN_ASSERT(status == dnnl_success);
  }

  // Scores the rows of a block that may become hits, some at a time.
  void collect(const float* query, std::span<const float> products, size_t first_row, size_t self,
               double margin, TopHits& hits) const {
    float limit = std::max(lowest_promising(hits.worst(), margin),
                           hits.full() ? -INFINITY : first_limit(products, margin));
    constexpr size_t kTogether = 8;
    size_t which[kTogether];
    size_t count = 0;
    const auto score = [&] {
      const float* rows[kTogether];
      double scores[kTogether];
      for (size_t i = 0; i < count; ++i) rows[i] = index_.row(which[i]);
      dots(query, rows, count, index_.dim, scores);
      for (size_t i = 0; i < count; ++i) hits.add({which[i], static_cast<float>(scores[i])});
      limit = std::max(limit, lowest_promising(hits.worst(), margin));
      count = 0;
    };
    for (size_t group = 0; group < products.size(); group += kGroup) {
      const size_t group_end = std::min(group + kGroup, products.size());
      unsigned promising = 0;
      for (size_t i = group; i < group_end; ++i) promising |= products[i] < limit ? 0U : 1U;
      if (promising == 0) continue;
      for (size_t i = group; i < group_end; ++i) {
        if (products[i] < limit || first_row + i == self) continue;
        which[count++] = first_row + i;
        if (count == kTogether) score();
      }
    }
    score();
  }

  // A product that as many rows as are wanted, and one more, which may be the query, reach within
  // rounding: what the best of groups of rows say before any row is scored.
  float first_limit(std::span<const float> products, double margin) const {
    constexpr double kFarFromOverflow = 1e30;
    std::vector<float> best;
    for (size_t i = 0; i + kGroup <= products.size(); i += kGroup)
      best.push_back(*std::max_element(&products[i], &products[i] + kGroup));
    if (best.size() <= options_.top || !(margin < kFarFromOverflow)) return -INFINITY;
    const auto last = best.begin() + static_cast<std::ptrdiff_t>(options_.top);
    std::nth_element(best.begin(), last, best.end(), std::greater<>());
    return lowest_promising(static_cast<float>(*last), 2 * margin);
  }

  // The approximate product below which a row cannot score `worst` (whose own rounding to float32
  // counts too). Beyond float32 nothing is known: such products may be NaN, which is never below.
  static float lowest_promising(float worst, double margin) {
    const double limit = worst - margin - std::abs(static_cast<double>(worst)) * 0x1p-23;
    return std::isnan(limit) ? -INFINITY : std::nextafter(static_cast<float>(limit), -INFINITY);
  }

  const Rows& queries_;
  const Rows& index_;
  const SearchOptions& options_;
  size_t blocks_ = 0;  // of queries
  size_t parts_ = 1;   // of the index, searched apart
  double longest_ = 0;
  std::unordered_map<std::string_view, size_t> row_of_id_;
};

}  // namespace

void require_searchable(const Rows& queries, size_t rows, size_t dim,
                        const SearchOptions& options) {
  if (options.top == 0) throw Error("--top 0: must be at least 1");
  CAIRN_ASSERT(queries.values.size() == queries.count() * queries.dim);
  CAIRN_ASSERT(options.floors.empty() || options.floors.size() == queries.count());
  if (queries.count() > 0 && rows > 0 && queries.dim != dim) {
    throw Error("the queries have " + std::to_string(queries.dim) + " dimensions, the index " +
                std::to_string(dim) + ": embed both with the same model");
  }
}

std::vector<std::vector<Hit>> search_exact(const Rows& queries, const Rows& index,
                                           const SearchOptions& options) {
  require_searchable(queries, index.count(), index.dim, options);
  CAIRN_ASSERT(index.values.size() == index.count() * index.dim);
  if (queries.count() == 0 || index.count() == 0) {
    return std::vector<std::vector<Hit>>(queries.count());
  }
  return Searcher(queries, index, options).run();
}

}  // namespace cairn::search
