#include "cairn/rank/first_reciprocal.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <string>

#include "cairn/base/thread_pool.h"
#include "cairn/rank/near_photos.h"
#include "cairn/search/dot.h"
#include "cairn/search/kept_neighbours.h"

namespace cairn::rank {
namespace {

using Hits = std::vector<search::Hit>;

bool have_length_one(const search::Rows& rows, int threads) {
  std::atomic<bool> all = true;
  parallel_for(rows.count(), threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end && all; ++i) {
      const double square = search::dot(rows.row(i), rows.row(i), rows.dim);
      if (!(std::abs(std::sqrt(square) - 1) < NearPhotos::kLengthSlack)) all = false;
    }
  });
  return all;
}

// The neighbours of which photos would tell all about a query, and scores that these reach.
std::map<size_t, float> wanted(NearPhotos near, size_t top) {
  for (size_t node = 1; node < near.count(); ++node) near.learn(node, near.nearest_here(node));
  std::vector<bool> used(near.count(), false);
  std::map<size_t, float> rows;
  if (!near.first_hits(top, used)) return rows;
  for (size_t node = 1; node < near.count(); ++node)
    if (used[node]) rows.emplace(near.row(node), near.floor(node));
  return rows;
}

class FirstHits {
 public:
  FirstHits(const search::Rows& queries, const search::ExactIndex& photos, size_t top,
            const FastKReciprocalOptions& options)
      : queries_(queries), photos_(photos), top_(top), options_(options) {}

  std::vector<Hits> run() {
    nearest_ = photos_.search(queries_, {.top = options_.neighbours, .threads = options_.threads});
    learn_neighbours();
    std::vector<Hits> results(queries_.count());
    each_query([&](size_t q) {
      if (std::optional<Hits> hits = from_neighbours(q)) {
        results[q] = std::move(*hits);
        if (options_.on_done) options_.on_done(1);
      }
    });
    std::vector<size_t> others;
    for (size_t q = 0; q < results.size(); ++q)
      if (results[q].empty()) others.push_back(q);
    std::vector<Hits> whole = whole_lists(others);
    for (size_t i = 0; i < others.size(); ++i) results[others[i]] = std::move(whole[i]);
    return results;
  }

 private:
  void each_query(const std::function<void(size_t)>& body) const {
    parallel_each(queries_.count(), resolve_threads(options_.threads), body);
  }

  NearPhotos near(size_t q) const {
    return {queries_.row(q), nearest_[q], photos_.rows(), options_};
  }

  void learn_neighbours() {
    std::vector<std::map<size_t, float>> of_queries(queries_.count());
    each_query([&](size_t q) { of_queries[q] = wanted(near(q), top_); });
    std::map<size_t, float> all;
    for (const auto& its : of_queries) {
      for (const auto& [row, floor] : its) {
        float& known = all.emplace(row, floor).first->second;
        known = std::max(known, floor);
      }
    }
    std::vector<float> floors;
    for (const auto& [row, floor] : all) {
      rows_.push_back(row);
      floors.push_back(floor);
    }
    neighbours_ = search::kept_neighbours(
        options_.keep, photos_.rows(), rows_, photos_,
        {.top = options_.k1 + 2, .threads = options_.threads, .floors = floors});
  }

  std::optional<Hits> from_neighbours(size_t q) const {
    NearPhotos its = near(q);
    std::vector<bool> used(its.count(), false);
    for (size_t node = 1; node < its.count(); ++node) {
      const auto at = std::lower_bound(rows_.begin(), rows_.end(), its.row(node));
      if (at != rows_.end() && *at == its.row(node))
        its.learn(node, neighbours_[static_cast<size_t>(at - rows_.begin())]);
    }
    return its.first_hits(top_, used);
  }

  std::vector<Hits> whole_lists(const std::vector<size_t>& which) const {
    std::vector<float> values;
    std::vector<std::string> ids;
    for (const size_t q : which) {
      values.insert(values.end(), queries_.row(q), queries_.row(q) + queries_.dim);
      ids.push_back(queries_.ids[q]);
    }
    std::vector<Hits> lists = fast_k_reciprocal({values, ids, queries_.dim}, photos_, options_);
    for (Hits& hits : lists) hits.resize(std::min(hits.size(), top_));
    return lists;
  }

  const search::Rows& queries_;
  const search::ExactIndex& photos_;
  size_t top_;
  const FastKReciprocalOptions& options_;
  std::vector<Hits> nearest_;  // of each query
  std::vector<size_t> rows_;   // photos whose neighbours are known, rising
  std::vector<std::vector<uint32_t>> neighbours_;
};

}  // namespace

std::vector<Hits> first_of_fast_k_reciprocal(const search::Rows& queries,
                                             const search::ExactIndex& photos, size_t top,
                                             const FastKReciprocalOptions& options) {
  const int threads = resolve_threads(options.threads);
  if (top > 0 && options.neighbours >= options.k1 + 2 &&
      photos.rows().count() >= options.neighbours && queries.dim == photos.rows().dim &&
      have_length_one(queries, threads) && have_length_one(photos.rows(), threads))
    return FirstHits(queries, photos, top, options).run();
  std::vector<Hits> lists = fast_k_reciprocal(queries, photos, options);
  for (Hits& hits : lists) hits.resize(std::min(hits.size(), top));
  return lists;
}

}  // namespace cairn::rank
