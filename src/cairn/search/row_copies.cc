#include "cairn/search/row_copies.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/candidates.h"
#include "cairn/search/dot.h"
#include "cairn/search/head_choice.h"
#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/merged_parts.h"
#include "cairn/search/quantise.h"
#include "cairn/search/top_hits.h"

namespace cairn::search {
namespace {

using kernels::kGroup;
using kernels::kPanelRows;
using kernels::kTileQueries;

// Queries of one block stay in a core's second-level cache, beside a panel in its first.
constexpr size_t kBlockQueries = 32 * kTileQueries;
// Up to so many queries that full tiles leave over are looked at one by one. Alone, two wait for
// memory no less than a tile does.
constexpr size_t kFewQueries = 6;
constexpr size_t kChunkBytes = 1 << 20;  // of panels, checked at once
constexpr size_t kNoRow = static_cast<size_t>(-1);
// Of many panels every sixteenth is looked at first.
constexpr size_t kSample = 16;
constexpr size_t kManyPanels = 128 * kSample;

// So many of the best of a sample are taken that as many as are wanted in all would be better only
// if the rows in the sample were unlike the others: the expected number and five deviations.
size_t rank_in_sample(size_t top, size_t sample, size_t all) {
  const double expected =
      static_cast<double>(top) * static_cast<double>(sample) / static_cast<double>(all);
  return static_cast<size_t>(std::ceil(expected + 5 * std::sqrt(expected) + 3));
}

// The scores of rows, some at a time: while some are multiplied, the next come from memory.
class Scorer {
 public:
  explicit Scorer(const RowCopies& rows) : rows_(rows) {
    if (rows.full_rows == nullptr) buffer_.resize(kTogether * rows.dim);
  }

  // Calls add(row, score) for each candidate.
  template <typename Add>
  void score(const float* query, std::span<const Candidate> candidates, const Add& add) {
    const float* rows[kTogether];
    double scores[kTogether];
    const size_t total = candidates.size();
    for (size_t i = 0; i < std::min(kTogether, total); ++i) prefetch(candidates[i].row);
    for (size_t begin = 0; begin < total; begin += kTogether) {
      const size_t count = std::min(kTogether, total - begin);
      for (size_t i = begin + kTogether; i < std::min(begin + 2 * kTogether, total); ++i)
        prefetch(candidates[i].row);
      for (size_t i = 0; i < count; ++i) rows[i] = full_row(candidates[begin + i].row, i);
      dots(query, rows, count, rows_.dim, scores);
      for (size_t i = 0; i < count; ++i)
        add(candidates[begin + i].row, static_cast<float>(scores[i]));
    }
  }

 private:
  static constexpr size_t kTogether = 8;

  const float* full_row(size_t row, size_t slot) {
    if (rows_.full_rows != nullptr) return rows_.full_rows + row * rows_.dim;
    float* out = buffer_.data() + slot * rows_.dim;
    rows_.read_row(row, out);
    return out;
  }

  void prefetch(size_t row) const {
    if (rows_.full_rows == nullptr) return;
    constexpr size_t kLine = 64 / sizeof(float);
    const float* at = rows_.full_rows + row * rows_.dim;
    for (size_t d = 0; d < rows_.dim; d += kLine) __builtin_prefetch(at + d);
  }

  const RowCopies& rows_;
  std::vector<float> buffer_;
};

// Some queries in the layout of tiles, and their candidates so far.
class Block {
 public:
  // which: numbers of queries. floors: see SearchOptions. self: of each query, the row that is none
  // of its hits.
  Block(const RowCopies& rows, const Rows& queries, std::span<const size_t> which, size_t top,
        std::span<const float> floors, std::span<const size_t> self)
      : rows_(rows), layout_(rows.dim), queries_(queries), which_(which) {
    for (size_t i = 0; i < which.size();) {
      const size_t left = which.size() - i;
      const size_t padded = left <= (i == 0 ? 1 : kFewQueries) ? 1 : kTileQueries;
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
    kernels::Promising promising;
    for (size_t t = 0; t < tiles_.size(); ++t) {
      TileOf& tile = tiles_[t];
      const size_t slot = tile.slot;
      kernels::Tile query{tile.padded,     values_.data() + slot * layout_.groups() * kGroup,
                          &offsets_[slot], &lengths_[slot],
                          &limits_[slot],  layout_.groups(),
                          nullptr,         nullptr};
      const size_t head = tile.heads.next();
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
    Scorer scorer(rows_);
    for (const TileOf& tile : tiles_) {
      for (size_t i = 0; i < tile.queries; ++i) {
        Candidates& its = candidates_[tile.query + i];
        const std::span<const Candidate> best = its.best(rank);
        float least = std::numeric_limits<float>::infinity();
        scorer.score(queries_.row(which_[tile.query + i]), best,
                     [&](size_t, float score) { least = std::min(least, score); });
        its.assume(best.size() < rank ? std::numeric_limits<float>::lowest() : least, top);
        limits_[tile.slot + i] = its.limit();
      }
    }
  }

  std::vector<Candidates>& candidates() { return candidates_; }
  uint64_t looked_at() const { return looked_at_; }
  uint64_t given_up() const { return given_up_; }

 private:
  struct TileOf {
    size_t query;  // the first, of the block
    size_t queries;
    size_t padded;  // 1 or kTileQueries
    size_t slot;    // of the first query, in arrays that count padding
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

  void add_tile(std::span<const size_t> which, size_t padded, size_t top,
                std::span<const float> floors) {
    const TileOf tile{candidates_.size(), which.size(), padded, offsets_.size()};
    const size_t groups = layout_.groups();
    values_.resize((tile.slot + padded) * groups * kGroup, 0);
    offsets_.resize(tile.slot + padded, 0);
    lengths_.resize(tile.slot + padded, 0);
    limits_.resize(tile.slot + padded, std::numeric_limits<float>::infinity());
    for (auto& rests : rests_) rests.resize(tile.slot + padded, 0);
    for (auto& offsets : rest_offsets_) offsets.resize(tile.slot + padded, 0);
    std::vector<int8_t> row(groups * kGroup, 0);
    int8_t* values = values_.data() + tile.slot * groups * kGroup;
    for (size_t i = 0; i < which.size(); ++i) {
      const float* query = queries_.row(which[i]);
      const Quantised quantised = quantise(query, queries_.dim, row.data());
      const double scale = quantised.scale > 0 ? quantised.scale : 1;
      for (size_t d = 0; d < row.size(); ++d) {
        values[(d / kGroup * padded + i) * kGroup + d % kGroup] = row[d];
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
  std::vector<int8_t> values_;
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
    const size_t sample = (last - first + kSample - 1) / kSample;
    const size_t rank = rank_in_sample(options_.top, sample * kPanelRows, rows_.count);
    const bool sampled = may_sample && last - first >= kManyPanels && rank < options_.top;
    Block block(rows_, queries_, which, sampled ? rank : options_.top, options_.floors, self_);
    if (sampled) {
      for (size_t p = first; p < last; p += kSample) {
        if (rows_.check) rows_.check(p, 1);
        block.scan(p, p + kSample < last ? p + kSample : p, scan_.plain);
      }
      block.assume(rank, options_.top);
    }
    for (size_t chunk = first; chunk < last; chunk += chunk_) {
      const size_t end = std::min(chunk + chunk_, last);
      if (rows_.check) rows_.check(chunk, end - chunk);
      for (size_t p = chunk; p < end; ++p) {
        if (sampled && (p - first) % kSample == 0) continue;
        const size_t next = sampled && (p + 1 - first) % kSample == 0 ? p + 2 : p + 1;
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
    std::vector<size_t> again;
    Scorer scorer(rows_);
    for (size_t i = 0; i < which.size(); ++i) {
      TopHits hits(options_.top, ids_);
      Candidates& its = all[i];
      std::vector<Candidate> candidates = its.take();
      const auto add = [&](size_t row, float score) { hits.add({row, score}); };
      const float* query = queries_.row(which[i]);
      // The best by their bounds say how good the others must be.
      const size_t first = std::min(options_.top, candidates.size());
      std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(first),
                       candidates.end(),
                       [](const Candidate& a, const Candidate& b) { return a.upper > b.upper; });
      scorer.score(query, std::span(candidates).first(first), add);
      if (hits.full()) {
        const float limit = its.limit_of(hits.worst());
        const auto rest = candidates.begin() + static_cast<std::ptrdiff_t>(first);
        candidates.erase(std::remove_if(rest, candidates.end(),
                                        [&](const Candidate& c) { return c.upper < limit; }),
                         candidates.end());
        scorer.score(query, std::span(candidates).subspan(first), add);
      }
      if (its.held(hits.worst()))
        results[which[i]] = hits.take();
      else
        again.push_back(which[i]);
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
