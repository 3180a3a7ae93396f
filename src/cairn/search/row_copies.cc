#include "cairn/search/row_copies.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/candidates.h"
#include "cairn/search/dot.h"
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
// Up to so many queries that fill no tile are looked at one by one.
constexpr size_t kFewQueries = 6;
constexpr size_t kChunkBytes = 1 << 20;  // of panels, checked at once
constexpr size_t kNoRow = static_cast<size_t>(-1);

// Queries begin ≤ q < end in the layout of tiles, and their candidates so far.
class Block {
 public:
  Block(const RowCopies& rows, const Rows& queries, size_t begin, size_t end, size_t top,
        std::span<const size_t> self)
      : rows_(rows), layout_(rows.dim), self_(self.subspan(begin, end - begin)) {
    for (size_t q = begin; q < end;) {
      const size_t left = end - q;
      const size_t padded = left <= kFewQueries ? 1 : kTileQueries;
      add_tile(queries, q, std::min(padded, left), padded, top);
      q += std::min(padded, left);
    }
  }

  void scan(size_t p, bool plain) {
    const size_t first = p * kPanelRows;
    const kernels::Panel panel{rows_.values + p * layout_.bytes(), rows_.scales + first,
                               rows_.residuals + first};
    kernels::Promising promising;
    const bool last = first + kPanelRows >= rows_.count;
    for (size_t t = 0; t < tiles_.size(); ++t) {
      // While the tiles are busy with this panel, the next comes from memory.
      if (tiles_.size() > 1 && !last) prefetch(panel.values + layout_.bytes(), t);
      const TileOf& tile = tiles_[t];
      const size_t slot = tile.slot;
      (plain ? kernels::promising_rows_plain : kernels::promising_rows)(
          panel,
          {tile.padded, values_.data() + slot * layout_.groups() * kGroup, &offsets_[slot],
           &lengths_[slot], &limits_[slot]},
          layout_.groups(), promising);
      for (size_t i = 0; i < tile.queries; ++i)
        if (promising.masks[i] != 0)
          add(tile, i, first, promising.masks[i], promising.bounds[i], panel.residuals);
    }
  }

  std::vector<Candidates>& candidates() { return candidates_; }

 private:
  struct TileOf {
    size_t query;  // the first, of the block
    size_t queries;
    size_t padded;  // 1 or kTileQueries
    size_t slot;    // of the first query, in arrays that count padding
  };

  // The t-th of as many parts as there are tiles.
  void prefetch(const uint8_t* panel, size_t t) const {
    constexpr size_t kLine = 64;
    const size_t lines = layout_.bytes() / kLine;
    const size_t end = lines * (t + 1) / tiles_.size();
    for (size_t i = lines * t / tiles_.size(); i < end; ++i) __builtin_prefetch(panel + i * kLine);
  }

  void add_tile(const Rows& queries, size_t begin, size_t count, size_t padded, size_t top) {
    const TileOf tile{candidates_.size(), count, padded, offsets_.size()};
    const size_t groups = layout_.groups();
    values_.resize((tile.slot + padded) * groups * kGroup, 0);
    offsets_.resize(tile.slot + padded, 0);
    lengths_.resize(tile.slot + padded, 0);
    limits_.resize(tile.slot + padded, std::numeric_limits<float>::infinity());
    std::vector<int8_t> row(groups * kGroup, 0);
    int8_t* values = values_.data() + tile.slot * groups * kGroup;
    for (size_t i = 0; i < count; ++i) {
      const float* query = queries.row(begin + i);
      const Quantised quantised = quantise(query, queries.dim, row.data());
      const double scale = quantised.scale > 0 ? quantised.scale : 1;
      for (size_t d = 0; d < row.size(); ++d) {
        values[(d / kGroup * padded + i) * kGroup + d % kGroup] = row[d];
        offsets_[tile.slot + i] -= 128 * row[d];
      }
      const double length = length_bound(query, queries.dim);
      lengths_[tile.slot + i] = round_up(length / scale);
      // The last term is more than the kernel's own roundings.
      const double margin = quantised.residual * rows_.longest +
                            0x1p-20 * (length + quantised.residual) * (rows_.longest + 1);
      candidates_.emplace_back(top, scale, margin / scale);
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
  std::span<const size_t> self_;
  std::vector<TileOf> tiles_;
  std::vector<int8_t> values_;
  std::vector<int32_t> offsets_;
  std::vector<float> lengths_;  // over the query's scale
  std::vector<float> limits_;
  std::vector<Candidates> candidates_;
};

class Searcher {
 public:
  Searcher(const RowCopies& rows, const Ids& ids, const Rows& queries, const SearchOptions& options,
           bool plain)
      : rows_(rows), ids_(ids), queries_(queries), options_(options), plain_(plain) {
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
      Block block(rows_, queries_, begin, end, options_.top, self_);
      scan(block, panels_ * part / parts_, panels_ * (part + 1) / parts_);
      if (!merged[b].merge(std::move(block.candidates()), parts_)) return;
      std::vector<Candidates> all = merged[b].take();
      for (size_t q = begin; q < end; ++q) results[q] = score(queries_.row(q), all[q - begin]);
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

  void scan(Block& block, size_t first, size_t last) const {
    for (size_t chunk = first; chunk < last; chunk += chunk_) {
      const size_t end = std::min(chunk + chunk_, last);
      if (rows_.check) rows_.check(chunk, end - chunk);
      for (size_t p = chunk; p < end; ++p) block.scan(p, plain_);
    }
  }

  std::vector<Hit> score(const float* query, Candidates& candidates) const {
    TopHits hits(options_.top, ids_);
    std::vector<float> buffer(rows_.dim);
    for (const Candidate& candidate : candidates.take()) {
      if (hits.full() && candidate.upper < candidates.limit_of(hits.worst())) break;
      const float* row = rows_.full_row(candidate.row, buffer.data());
      hits.add({candidate.row, static_cast<float>(dot(query, row, rows_.dim))});
    }
    return hits.take();
  }

  const RowCopies& rows_;
  const Ids& ids_;
  const Rows& queries_;
  const SearchOptions& options_;
  bool plain_;
  size_t panels_ = 0;
  size_t chunk_ = 1;   // panels
  size_t blocks_ = 0;  // of queries
  size_t parts_ = 1;   // of the rows, searched apart
  std::vector<size_t> self_;
};

}  // namespace

std::vector<std::vector<Hit>> search_copies(const RowCopies& rows, const Ids& ids,
                                            const Rows& queries, const SearchOptions& options,
                                            bool plain) {
  require_searchable(queries, rows.count, rows.dim, options);
  CAIRN_ASSERT(ids.size() == rows.count && rows.dim <= kMostDim && rows.count < UINT32_MAX);
  if (queries.count() == 0 || rows.count == 0)
    return std::vector<std::vector<Hit>>(queries.count());
  return Searcher(rows, ids, queries, options, plain).run();
}

}  // namespace cairn::search
