#include "cairn/search/query_block.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "cairn/search/dot.h"
#include "cairn/search/row_scorer.h"

namespace cairn::search {
namespace {

using kernels::kGroup;
using kernels::kPanelRows;
using kernels::kQueryTile;
using kernels::kStepBytes;
using kernels::kTileQueries;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// Up to so many queries that full tiles leave over are looked at one by one. Alone, two wait for
// memory no less than a tile does.
constexpr size_t kFewQueries = 6;
// So many are worth tile registers, where there are any. Fewer wait for memory either way, and less
// where vectors give panels up.
constexpr size_t kManyQueries = 7;

}  // namespace

QueryBlock::QueryBlock(const RowCopies& rows, const Rows& queries, std::span<const size_t> which,
                       size_t top, std::span<const float> floors, std::span<const size_t> self,
                       const ScanOptions& scan)
    : rows_(rows), layout_(rows.dim), queries_(queries), which_(which), plain_(scan.plain) {
  for (const size_t q : which) self_.push_back(self[q]);
  if (rows.dim > 0 && which.size() >= kManyQueries && scan.tile_registers && !plain_ &&
      kernels::has_int8_tiles())
    add_tiles(top, floors);
  else
    add_padded_tiles(top, floors);
}

void QueryBlock::resize(size_t slots) {
  offsets_.resize(slots, 0);
  lengths_.resize(slots, 0);
  limits_.resize(slots, kInfinity);
  for (auto& rests : rests_) rests.resize(slots, 0);
  for (auto& offsets : rest_offsets_) offsets.resize(slots, 0);
}

void QueryBlock::add_tiles(size_t top, std::span<const float> floors) {
  const size_t steps = kernels::tile_steps(layout_.groups());
  const size_t slots = (which_.size() + kQueryTile - 1) / kQueryTile * kQueryTile;
  resize(slots);
  values_.resize(slots * steps);
  static_assert(sizeof(Line) == kStepBytes);
  for (size_t i = 0; i < which_.size(); ++i)
    add_query(i, i, top, floors, [&](size_t d) { return kernels::tile_place(i, d, steps); });
  found_.resize(slots * kernels::kTilePanels);
  registers_.emplace(kernels::shapes_of_tiles());
}

void QueryBlock::add_padded_tiles(size_t top, std::span<const float> floors) {
  const size_t bytes = layout_.groups() * kGroup;  // of a query
  for (size_t first = 0; first < which_.size();) {
    const size_t left = which_.size() - first;
    const size_t padded = left <= (first == 0 ? 1 : kFewQueries) ? 1 : kTileQueries;
    const Tile tile{first, std::min(padded, left), padded, offsets_.size()};
    resize(tile.slot + padded);
    values_.resize((offsets_.size() * bytes + sizeof(Line) - 1) / sizeof(Line));
    for (size_t i = 0; i < tile.queries; ++i) {
      add_query(first + i, tile.slot + i, top, floors, [&](size_t d) {
        return tile.slot * bytes + (d / kGroup * padded + i) * kGroup + d % kGroup;
      });
    }
    tiles_.push_back(tile);
    first += tile.queries;
  }
}

template <typename Place>
void QueryBlock::add_query(size_t i, size_t slot, size_t top, std::span<const float> floors,
                           const Place& place) {
  const float* query = queries_.row(which_[i]);
  std::vector<int8_t> row(layout_.groups() * kGroup, 0);
  const Quantised quantised = quantise(query, queries_.dim, row.data());
  const double scale = quantised.scale > 0 ? quantised.scale : 1;
  for (size_t d = 0; d < row.size(); ++d) {
    values()[place(d)] = row[d];
    offsets_[slot] -= 128 * row[d];
  }
  for (size_t h = 0; h < kHeads; ++h) {
    const size_t from = layout_.head(h) * kGroup;
    rests_[h][slot] = round_up(length_of(&row[from], row.size() - from));
    for (size_t d = from; d < row.size(); ++d) rest_offsets_[h][slot] += 128 * row[d];
  }
  const double length = length_bound(query, queries_.dim);
  lengths_[slot] = round_up(length / scale);
  // The last term is more than the kernel's own roundings, of heads too.
  const double margin = quantised.residual * rows_.longest +
                        0x1p-20 * (length + quantised.residual) * (rows_.longest + 1);
  candidates_.emplace_back(top, scale, margin / scale);
  if (!floors.empty()) candidates_.back().expect(floors[which_[i]]);
  limits_[slot] = candidates_.back().limit();
  slots_.push_back(slot);
}

kernels::Panel QueryBlock::panel(size_t p, size_t next) const {
  const RowNumbers<const float> numbers = rows_.numbers.from(p * kPanelRows);
  return {rows_.values + p * layout_.bytes(), numbers.scales, numbers.residuals, nullptr,
          rows_.values + next * layout_.bytes()};
}

void QueryBlock::scan(size_t p, size_t next) {
  if (registers_) {
    scan_tiles(p, next);
    return;
  }
  const kernels::Panel of_rows = panel(p, next);
  if (tiles_[0].padded == 1 && next > p + 1) prefetch_pages(of_rows.next);
  scan_vectors(of_rows, p);
}

void QueryBlock::scan_tiles(size_t p, size_t next) {
  waiting_.push_back(p);
  if (waiting_.size() < kernels::kTilePanels) return;
  const size_t last = PanelLayout::panels(rows_.count) - 1;
  for (size_t i = 0; i < waiting_.size(); ++i)
    panels_.push_back(panel(waiting_[i], std::min(next + i, last)));
  scan_waiting();
}

void QueryBlock::scan_waiting() {
  if (waiting_.empty()) return;
  for (size_t i = panels_.size(); i < waiting_.size(); ++i)
    panels_.push_back(panel(waiting_[i], waiting_[i]));
  const kernels::QueryTiles queries{offsets_.size(), values(), offsets_.data(), lengths_.data(),
                                    limits_.data()};
  const size_t count =
      kernels::promising_in_tiles(panels_, queries, layout_.groups(), found_.data());
  looked_at_ += queries.queries * panels_.size();
  for (size_t i = 0; i < count; ++i) {
    const kernels::PromisingRows& found = found_[i];
    add(found.query, found.query, waiting_[found.panel] * kPanelRows, found.mask, found.bounds,
        panels_[found.panel].residuals);
  }
  waiting_.clear();
  panels_.clear();
}

void QueryBlock::scan_vectors(const kernels::Panel& of_rows, size_t p) {
  kernels::Panel panel = of_rows;
  kernels::Promising promising;
  for (Tile& tile : tiles_) {
    const size_t slot = tile.slot;
    kernels::Tile query{tile.padded,     values() + slot * layout_.groups() * kGroup,
                        &offsets_[slot], &lengths_[slot],
                        &limits_[slot],  layout_.groups(),
                        nullptr,         nullptr};
    const size_t head = tile.heads.next();
    if (head < kHeads) {
      panel.rests = rows_.numbers.rests[head] + p * kPanelRows;
      query.head = layout_.head(head);
      query.rests = &rests_[head][slot];
      query.rest_offsets = &rest_offsets_[head][slot];
    }
    const size_t whole = (plain_ ? kernels::promising_rows_plain : kernels::promising_rows)(
        panel, query, layout_.groups(), promising);
    if (head < kHeads) tile.heads.record(head, std::min(whole, tile.queries), tile.queries);
    looked_at_ += tile.padded;
    given_up_ += tile.padded - whole;
    for (uint32_t bits = promising.queries; bits != 0; bits &= bits - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(bits));
      add(tile.query + i, slot + i, p * kPanelRows, promising.masks[i], promising.bounds[i],
          panel.residuals);
    }
  }
}

void QueryBlock::assume(size_t rank, size_t top) {
  scan_waiting();
  std::vector<RowAndQuery> pairs;
  std::vector<float> least(which_.size(), std::numeric_limits<float>::lowest());
  for (uint32_t q = 0; q < which_.size(); ++q) {
    const std::span<const Candidate> best = candidates_[q].best(rank);
    if (best.size() < rank) continue;
    least[q] = kInfinity;
    for (const Candidate& candidate : best) pairs.push_back({candidate.row, q});
  }
  RowScorer(rows_).score(
      std::move(pairs), [&](uint32_t q) { return queries_.row(which_[q]); },
      [&](uint32_t q, size_t, float score) { least[q] = std::min(least[q], score); });
  for (size_t q = 0; q < which_.size(); ++q) {
    candidates_[q].assume(least[q], top);
    limits_[slots_[q]] = candidates_[q].limit();
  }
}

// The first lines of each page of a panel, from where the processor goes on by itself.
void QueryBlock::prefetch_pages(const uint8_t* panel) const {
  constexpr size_t kLine = 64;
  constexpr size_t kLines = 4;
  constexpr size_t kPage = 4096;
  for (size_t page = 0; page < layout_.bytes(); page += kPage)
    for (size_t i = 0; i < kLines; ++i) __builtin_prefetch(panel + page + i * kLine);
}

void QueryBlock::add(size_t query, size_t slot, size_t first_row, uint32_t mask,
                     const float* bounds, const float* residuals) {
  Candidates& candidates = candidates_[query];
  const float twice = 2 * lengths_[slot];
  for (; mask != 0; mask &= mask - 1) {
    const auto r = static_cast<size_t>(std::countr_zero(mask));
    if (first_row + r == self_[query]) continue;
    const float lower = bounds[r] - twice * residuals[r];
    candidates.add(
        {bounds[r], std::isnan(lower) ? -kInfinity : lower, static_cast<uint32_t>(first_row + r)});
  }
  limits_[slot] = candidates.limit();
}

}  // namespace cairn::search
