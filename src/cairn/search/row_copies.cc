#include "cairn/search/row_copies.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/candidates.h"
#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/merged_parts.h"
#include "cairn/search/quantise.h"
#include "cairn/search/query_block.h"
#include "cairn/search/row_scorer.h"
#include "cairn/search/top_hits.h"

namespace cairn::search {
namespace {

using kernels::kPanelRows;

constexpr size_t kChunkBytes = 1 << 20;  // of panels, checked at once
constexpr size_t kNoRow = static_cast<size_t>(-1);
// Of many panels a sixteenth is looked at first, some neighbours at a time, which memory gives
// faster.
constexpr size_t kSample = 16;
constexpr size_t kNeighbours = 4;
constexpr size_t kManyPanels = 128 * kSample;

// Whether the panel, counted from the first of those looked at, is in the sample.
constexpr bool in_sample(size_t panel) { return panel / kNeighbours % kSample == 0; }

// The panels from first to last that are.
std::vector<size_t> sample_of(size_t first, size_t last) {
  std::vector<size_t> sample;
  for (size_t run = first; run < last; run += kNeighbours * kSample)
    for (size_t p = run; p < std::min(run + kNeighbours, last); ++p) sample.push_back(p);
  return sample;
}

// So many of the best of a sample are taken that as many as are wanted in all would be better only
// if the rows in the sample were unlike the others: the expected number and five deviations.
size_t rank_in_sample(size_t top, size_t sample, size_t all) {
  const double expected =
      static_cast<double>(top) * static_cast<double>(sample) / static_cast<double>(all);
  return static_cast<size_t>(std::ceil(expected + 5 * std::sqrt(expected) + 3));
}

class Searcher {
 public:
  Searcher(const RowCopies& rows, const Ids& ids, const Rows& queries, const SearchOptions& options,
           const ScanOptions& scan)
      : rows_(rows), ids_(ids), queries_(queries), options_(options), scan_(scan) {
    const auto threads = static_cast<size_t>(resolve_threads(options.threads));
    panels_ = PanelLayout::panels(rows.count);
    chunk_ = std::max<size_t>(1, kChunkBytes / std::max<size_t>(1, PanelLayout(rows.dim).bytes()));
    blocks_ = (queries.count() + kBlockQueries - 1) / kBlockQueries;
    // Few queries: several threads share a block of them, each with a part of the rows.
    if (threads > 1 && blocks_ < 4 * threads)
      parts_ = std::clamp<size_t>((4 * threads + blocks_ - 1) / blocks_, 1,
                                  std::max<size_t>(1, panels_ / chunk_));
    find_selves();
  }

  std::vector<std::vector<Hit>> run() {
    std::vector<std::vector<Hit>> results(queries_.count());
    std::vector<MergedParts<Candidates>> merged(blocks_);
    parallel_each(blocks_ * parts_, resolve_threads(options_.threads), [&](size_t task) {
      const size_t b = task / parts_;
      const size_t part = task % parts_;
      const size_t begin = b * kBlockQueries;
      const size_t end = std::min(begin + kBlockQueries, queries_.count());
      std::vector<size_t> which(end - begin);
      std::iota(which.begin(), which.end(), begin);
      if (!merged[b].merge(
              scan(which, panels_ * part / parts_, panels_ * (part + 1) / parts_, true), parts_))
        return;
      which = score(which, merged[b].take(), results);
      // Those that a sample misled, which are few where rows lie in no order.
      if (!which.empty()) which = score(which, scan(which, 0, panels_, false), results);
      CAIRN_ASSERT(which.empty());
      if (options_.on_done) options_.on_done(end - begin);
    });
    return results;
  }

 private:
  void find_selves() {
    self_.assign(queries_.count(), kNoRow);
    if (!options_.exclude_self) return;
    std::unordered_map<std::string_view, size_t> query_of;
    for (size_t q = 0; q < queries_.count(); ++q) query_of.emplace(queries_.ids[q], q);
    for (size_t i = 0; i < rows_.count; ++i) {
      const auto found = query_of.find(ids_[i]);
      if (found != query_of.end()) self_[found->second] = i;
    }
  }

  // The candidates of some queries among the rows of some panels.
  std::vector<Candidates> scan(std::span<const size_t> which, size_t first, size_t last,
                               bool may_sample) const {
    const bool many = may_sample && last - first >= kManyPanels;
    const std::vector<size_t> sample = many ? sample_of(first, last) : std::vector<size_t>();
    const size_t rank = rank_in_sample(options_.top, sample.size() * kPanelRows, rows_.count);
    const bool sampled = many && rank < options_.top;
    QueryBlock block(rows_, queries_, which, sampled ? rank : options_.top, options_.floors, self_,
                     scan_);
    if (sampled) {
      for (size_t i = 0; i < sample.size(); ++i) {
        if (rows_.check) rows_.check(sample[i], 1);
        block.scan(sample[i], sample[std::min(i + 1, sample.size() - 1)]);
      }
      block.assume(rank, options_.top);
    }
    for (size_t chunk = first; chunk < last; chunk += chunk_) {
      const size_t end = std::min(chunk + chunk_, last);
      if (rows_.check) rows_.check(chunk, end - chunk);
      for (size_t p = chunk; p < end; ++p) {
        if (sampled && in_sample(p - first)) continue;
        const size_t next = sampled && in_sample(p + 1 - first) ? p + 1 + kNeighbours : p + 1;
        block.scan(p, next < last ? next : p);
      }
    }
    std::vector<Candidates> found = std::move(block.candidates());
    if (scan_.looked_at != nullptr) *scan_.looked_at += block.looked_at();
    if (scan_.given_up != nullptr) *scan_.given_up += block.given_up();
    return found;
  }

  // Writes the hits of queries. Returns those whose candidates a wrong guess has thinned out.
  std::vector<size_t> score(std::span<const size_t> which, std::vector<Candidates> all,
                            std::vector<std::vector<Hit>>& results) const {
    std::vector<TopHits> hits(which.size(), TopHits(options_.top, ids_));
    std::vector<std::vector<Candidate>> candidates(which.size());
    std::vector<RowAndQuery> pairs;
    RowScorer scorer(rows_);
    const auto score_pairs = [&] {
      scorer.score(
          std::exchange(pairs, {}), [&](uint32_t q) { return queries_.row(which[q]); },
          [&](uint32_t q, size_t row, float score) {
            hits[q].add({row, score});
          });
    };
    // The best by their bounds say how good the others must be.
    for (uint32_t q = 0; q < which.size(); ++q) {
      std::vector<Candidate>& its = candidates[q];
      its = all[q].take();
      const auto first =
          its.begin() + static_cast<std::ptrdiff_t>(std::min(options_.top, its.size()));
      std::nth_element(its.begin(), first, its.end(),
                       [](const Candidate& a, const Candidate& b) { return a.upper > b.upper; });
      for (auto c = its.begin(); c != first; ++c) pairs.push_back({c->row, q});
      its.erase(its.begin(), first);
    }
    score_pairs();
    for (uint32_t q = 0; q < which.size(); ++q) {
      const float limit = all[q].limit_of(hits[q].worst());
      for (const Candidate& c : candidates[q])
        if (!(c.upper < limit)) pairs.push_back({c.row, q});
    }
    score_pairs();
    std::vector<size_t> again;
    for (size_t q = 0; q < which.size(); ++q) {
      if (all[q].held(hits[q].worst()))
        results[which[q]] = hits[q].take();
      else
        again.push_back(which[q]);
    }
    return again;
  }

  const RowCopies& rows_;
  const Ids& ids_;
  const Rows& queries_;
  const SearchOptions& options_;
  const ScanOptions& scan_;
  size_t panels_ = 0;
  size_t chunk_ = 1;   // panels
  size_t blocks_ = 0;  // of queries
  size_t parts_ = 1;   // of the rows, searched apart
  std::vector<size_t> self_;
};

}  // namespace

std::vector<std::vector<Hit>> search_copies(const RowCopies& rows, const Ids& ids,
                                            const Rows& queries, const SearchOptions& options,
                                            const ScanOptions& scan) {
  require_searchable(queries, rows.count, rows.dim, options);
  CAIRN_ASSERT(ids.size() == rows.count && rows.dim <= kMostDim && rows.count < UINT32_MAX);
  if (queries.count() == 0 || rows.count == 0)
    return std::vector<std::vector<Hit>>(queries.count());
  return Searcher(rows, ids, queries, options, scan).run();
}

}  // namespace cairn::search
