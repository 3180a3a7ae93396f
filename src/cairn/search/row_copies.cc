#include "cairn/search/row_copies.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/candidates.h"
#include "cairn/search/dot.h"
#include "cairn/search/head_choice.h"
#include "cairn/search/kernels/int8_tiles.h"
#include "cairn/search/merged_parts.h"
#include "cairn/search/quantise.h"
#include "cairn/search/row_scorer.h"
#include "cairn/search/top_hits.h"

namespace cairn::search {
namespace {

using kernels::kGroup;
using kernels::kPanelRows;
using kernels::kTileQueries;
using kernels::kWideQueries;

// Queries of one block stay in a core's second-level cache, beside a panel in its first.
constexpr size_t kBlockQueries = 32 * kTileQueries;
static_assert(kBlockQueries % kWideQueries == 0);
// Up to so many queries that full tiles leave over are looked at one by one. Alone, two wait for
// memory no less than a tile does.
constexpr size_t kFewQueries = 6;
constexpr size_t kChunkBytes = 1 << 20;  // of panels, checked at once
constexpr size_t kNoRow = static_cast<size_t>(-1);
// Of many panels a sixteenth is looked at first, some neighbours at a time, which memory gives
// faster.
constexpr size_t kSample = 16;
constexpr size_t kNeighbours = 4;
constexpr size_t kManyPanels = 128 * kSample;

// Whether the panel, counted from the first of those looked at, is in the sample.
constexpr bool in_sample(size_t panel) { return panel / kNeighbours % kSample == 0; }

// So many of the best of a sample are taken that as many as are wanted in all would be better only
// if the rows in the sample were unlike the others: the expected number and five deviations.
size_t rank_in_sample(size_t top, size_t sample, size_t all) {
  const double expected =
      static_cast<double>(top) * static_cast<double>(sample) / static_cast<double>(all);
  return static_cast<size_t>(std::ceil(expected + 5 * std::sqrt(expected) + 3));
}

// Some queries in the layout of tiles, and their candidates so far.
class Block {
 public:
  // which: numbers of queries. floors: see SearchOptions. self: of each query, the row that is none
  // of its hits.
  Block(const RowCopies& rows, const Rows& queries, std::span<const size_t> which, size_t top,
        std::span<const float> floors, std::span<const size_t> self, bool wide)
      : rows_(rows), layout_(rows.dim), queries_(queries), which_(which) {
    const size_t many = wide ? kWideQueries : kTileQueries;
    for (size_t i = 0; i < which.size();) {
      const size_t left = which.size() - i;
      const size_t padded = left <= (i == 0 ? 1 : kFewQueries) ? 1 : many;
      add_tile(which.subspan(i, std::min(padded, left)), padded, top, floors);
      i += std::min(padded, left);
    }
    for (const size_t q : which) self_.push_back(self[q]);
  }

  // next: the panel after it, or p.
  void scan(size_t p, size_t next, bool plain) {
    const size_t first = p * kPanelRows;
    const RowNumbers<const float> numbers = rows_.numbers.from(first);
    kernels::Panel panel{rows_.values + p * layout_.bytes(), numbers.scales, numbers.residuals,
                         nullptr, rows_.values + next * layout_.bytes()};
    if (tiles_[0].padded == 1 && next > p + 1) prefetch_pages(panel.next);
    const size_t fetched = layout_.bytes() / tiles_.size() + 1;  // while a wide tile is looked at
    kernels::Promising promising;
    for (size_t t = 0; t < tiles_.size(); ++t) {
      TileOf& tile = tiles_[t];
      const size_t slot = tile.slot;
      kernels::Tile query{tile.padded,     values_[tile.values].numbers,
                          &offsets_[slot], &lengths_[slot],
                          &limits_[slot],  layout_.groups(),
                          nullptr,         nullptr};
      const bool wide = tile.padded == kWideQueries;
      if (wide) panel.next = rows_.values + next * layout_.bytes() + t * fetched;
      const size_t head = wide ? kHeads : tile.heads.next();
      if (head < kHeads) {
        panel.rests = numbers.rests[head];
        query.head = layout_.head(head);
        query.rests = &rests_[head][slot];
        query.rest_offsets = &rest_offsets_[head][slot];
      }
      const size_t whole = (plain ? kernels::promising_rows_plain : kernels::promising_rows)(
          panel, query, layout_.groups(), promising);
      if (head < kHeads) tile.heads.record(head, std::min(whole, tile.queries), tile.queries);
      looked_at_ += tile.padded;
      given_up_ += tile.padded - whole;
      for (uint32_t bits = promising.queries; bits != 0; bits &= bits - 1) {
        const auto i = static_cast<size_t>(std::countr_zero(bits));
        add(tile, i, first, promising.masks[i], promising.bounds[i], panel.residuals);
      }
    }
  }

  // Takes the score of the best `rank` rows so far for one that `top` of all rows reach.
  void assume(size_t rank, size_t top) {
    std::vector<RowAndQuery> pairs;
    std::vector<float> least(which_.size(), std::numeric_limits<float>::lowest());
    for (uint32_t q = 0; q < which_.size(); ++q) {
      const std::span<const Candidate> best = candidates_[q].best(rank);
      if (best.size() < rank) continue;
      least[q] = std::numeric_limits<float>::infinity();
      for (const Candidate& candidate : best) pairs.push_back({candidate.row, q});
    }
    RowScorer(rows_).score(
        std::move(pairs), [&](uint32_t q) { return queries_.row(which_[q]); },
        [&](uint32_t q, size_t, float score) { least[q] = std::min(least[q], score); });
    for (const TileOf& tile : tiles_) {
      for (size_t i = 0; i < tile.queries; ++i) {
        Candidates& its = candidates_[tile.query + i];
        its.assume(least[tile.query + i], top);
        limits_[tile.slot + i] = its.limit();
      }
    }
  }

  std::vector<Candidates>& candidates() { return candidates_; }
  uint64_t looked_at() const { return looked_at_; }
  uint64_t given_up() const { return given_up_; }

 private:
  struct alignas(64) Line {
    int8_t numbers[64] = {};
  };

  struct TileOf {
    size_t query;  // the first, of the block
    size_t queries;
    size_t padded;  // as kernels::Tile::queries
    size_t slot;    // of the first query, in arrays that count padding
    size_t values;  // the line where theirs begin
    HeadChoice heads = {};
  };

  // The first lines of each page of a panel, from where the processor goes on by itself.
  void prefetch_pages(const uint8_t* panel) const {
    constexpr size_t kLine = 64;
    constexpr size_t kLines = 4;
    constexpr size_t kPage = 4096;
    for (size_t page = 0; page < layout_.bytes(); page += kPage)
      for (size_t i = 0; i < kLines; ++i) __builtin_prefetch(panel + page + i * kLine);
  }

  // Bytes of a panel, which may reach beyond it.
  void prefetch_part(const uint8_t* panel, size_t begin, size_t count) const {
    constexpr size_t kLine = 64;
    for (size_t i = begin / kLine * kLine; i < std::min(begin + count, layout_.bytes()); i += kLine)
      __builtin_prefetch(panel + i, 0, 2);
  }

  void add_tile(std::span<const size_t> which, size_t padded, size_t top,
                std::span<const float> floors) {
    const TileOf tile{candidates_.size(), which.size(), padded, offsets_.size(), values_.size()};
    const size_t groups = layout_.groups();
    values_.resize(tile.values + kernels::bytes_of_tile(padded, groups) / sizeof(Line) + 1);
    offsets_.resize(tile.slot + padded, 0);
    lengths_.resize(tile.slot + padded, 0);
    limits_.resize(tile.slot + padded, std::numeric_limits<float>::infinity());
    for (auto& rests : rests_) rests.resize(tile.slot + padded, 0);
    for (auto& offsets : rest_offsets_) offsets.resize(tile.slot + padded, 0);
    std::vector<int8_t> row(groups * kGroup, 0);
    int8_t* values = values_[tile.values].numbers;
    for (size_t i = 0; i < which.size(); ++i) {
      const float* query = queries_.row(which[i]);
      const Quantised quantised = quantise(query, queries_.dim, row.data());
      const double scale = quantised.scale > 0 ? quantised.scale : 1;
      for (size_t d = 0; d < row.size(); ++d) {
        values[kernels::place_in_tile(padded, i, d / kGroup) + d % kGroup] = row[d];
        offsets_[tile.slot + i] -= 128 * row[d];
      }
      for (size_t h = 0; h < kHeads; ++h) {
        const size_t from = layout_.head(h) * kGroup;
        rests_[h][tile.slot + i] = round_up(length_of(&row[from], row.size() - from));
        for (size_t d = from; d < row.size(); ++d) rest_offsets_[h][tile.slot + i] += 128 * row[d];
      }
      const double length = length_bound(query, queries_.dim);
      lengths_[tile.slot + i] = round_up(length / scale);
      // The last term is more than the kernel's own roundings, of heads too.
      const double margin = quantised.residual * rows_.longest +
                            0x1p-20 * (length + quantised.residual) * (rows_.longest + 1);
      candidates_.emplace_back(top, scale, margin / scale);
      if (!floors.empty()) candidates_.back().expect(floors[which[i]]);
      limits_[tile.slot + i] = candidates_.back().limit();
    }
    tiles_.push_back(tile);
  }

  void add(const TileOf& tile, size_t i, size_t first_row, uint32_t mask, const float* bounds,
           const float* residuals) {
    const size_t query = tile.query + i;
    Candidates& candidates = candidates_[query];
    const float twice = 2 * lengths_[tile.slot + i];
    for (; mask != 0; mask &= mask - 1) {
      const auto r = static_cast<size_t>(std::countr_zero(mask));
      if (first_row + r == self_[query]) continue;
      const float lower = bounds[r] - twice * residuals[r];
      candidates.add({bounds[r],
                      std::isnan(lower) ? -std::numeric_limits<float>::infinity() : lower,
                      static_cast<uint32_t>(first_row + r)});
    }
    limits_[tile.slot + i] = candidates.limit();
  }

  const RowCopies& rows_;
  PanelLayout layout_;
  const Rows& queries_;
  std::span<const size_t> which_;
  std::vector<size_t> self_;
  std::vector<TileOf> tiles_;
  std::vector<Line> values_;
  std::vector<int32_t> offsets_;
  std::vector<float> lengths_;  // over the query's scale
  std::vector<float> limits_;
  std::vector<float> rests_[kHeads];           // of their numbers after each head
  std::vector<int32_t> rest_offsets_[kHeads];  // likewise
  std::vector<Candidates> candidates_;
  uint64_t looked_at_ = 0;  // panels, by each query and padding
  uint64_t given_up_ = 0;   // of them
};

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
    std::vector<size_t> sample;  // panels
    for (size_t p = first; p < last; ++p)
      if (in_sample(p - first)) sample.push_back(p);
    const size_t rank = rank_in_sample(options_.top, sample.size() * kPanelRows, rows_.count);
    const bool sampled = may_sample && last - first >= kManyPanels && rank < options_.top;
    std::optional<TileScope> shapes;
    const bool wide = scan_.wide && kernels::has_wide_tiles();
    if (wide) shapes.emplace(kernels::shapes_of_wide_tiles());
    Block block(rows_, queries_, which, sampled ? rank : options_.top, options_.floors, self_,
                wide);
    if (sampled) {
      for (size_t i = 0; i < sample.size(); ++i) {
        if (rows_.check) rows_.check(sample[i], 1);
        block.scan(sample[i], sample[std::min(i + 1, sample.size() - 1)], scan_.plain);
      }
      block.assume(rank, options_.top);
    }
    for (size_t chunk = first; chunk < last; chunk += chunk_) {
      const size_t end = std::min(chunk + chunk_, last);
      if (rows_.check) rows_.check(chunk, end - chunk);
      for (size_t p = chunk; p < end; ++p) {
        if (sampled && in_sample(p - first)) continue;
        const size_t next = sampled && in_sample(p + 1 - first) ? p + 1 + kNeighbours : p + 1;
        block.scan(p, next < last ? next : p, scan_.plain);
      }
    }
    if (scan_.looked_at != nullptr) *scan_.looked_at += block.looked_at();
    if (scan_.given_up != nullptr) *scan_.given_up += block.given_up();
    return std::move(block.candidates());
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
