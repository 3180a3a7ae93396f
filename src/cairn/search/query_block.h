// Some queries that are looked for together, panel by panel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cairn/search/candidates.h"
#include "cairn/search/head_choice.h"
#include "cairn/search/kernels/int8_panel.h"
#include "cairn/search/kernels/int8_tiles.h"
#include "cairn/search/quantise.h"
#include "cairn/search/row_copies.h"

namespace cairn::search {

// Queries of one block stay in a core's second-level cache, beside a panel in its first.
inline constexpr size_t kBlockQueries = 32 * kernels::kTileQueries;
static_assert(kBlockQueries % kernels::kQueryTile == 0);

// The 8-bit copies of queries in the layout that a kernel takes, and their candidates so far. Of
// one thread, from beginning to end.
class QueryBlock {
 public:
  // which: numbers of queries, at most kBlockQueries. floors: see SearchOptions. self: of each
  // query, the row that is none of its hits. Keeps references.
  QueryBlock(const RowCopies& rows, const Rows& queries, std::span<const size_t> which, size_t top,
             std::span<const float> floors, std::span<const size_t> self, const ScanOptions& scan);

  // next: the panel after it, or p. What it finds may wait until another is scanned.
  void scan(size_t p, size_t next);
  // Takes the score of the best `rank` rows so far for one that `top` of all rows reach.
  void assume(size_t rank, size_t top);

  std::vector<Candidates>& candidates() {
    scan_waiting();
    return candidates_;
  }
  uint64_t looked_at() const { return looked_at_; }
  uint64_t given_up() const { return given_up_; }

 private:
  // Queries that the kernel of vectors multiplies together.
  struct Tile {
    size_t query;  // the first, of the block
    size_t queries;
    size_t padded;  // 1 or kTileQueries
    size_t slot;    // of the first query, in arrays that count padding
    HeadChoice heads = {};
  };
  struct alignas(64) Line {
    int8_t values[64];
  };

  void add_tiles(size_t top, std::span<const float> floors);
  void add_padded_tiles(size_t top, std::span<const float> floors);
  void resize(size_t slots);
  // Adds query i of the block, whose value d goes to place(d).
  template <typename Place>
  void add_query(size_t i, size_t slot, size_t top, std::span<const float> floors,
                 const Place& place);
  void scan_vectors(const kernels::Panel& panel, size_t p);
  void scan_tiles(size_t p, size_t next);
  void scan_waiting();
  kernels::Panel panel(size_t p, size_t next) const;
  void prefetch_pages(const uint8_t* panel) const;
  void add(size_t query, size_t slot, size_t first_row, uint32_t mask, const float* bounds,
           const float* residuals);
  int8_t* values() { return values_[0].values; }

  const RowCopies& rows_;
  PanelLayout layout_;
  const Rows& queries_;
  std::span<const size_t> which_;
  bool plain_;
  std::vector<size_t> self_;
  std::vector<Tile> tiles_;  // none where tile registers are used
  std::optional<TileScope> registers_;
  std::vector<kernels::PromisingRows> found_;
  std::vector<size_t> waiting_;         // panels that tiles multiply next
  std::vector<kernels::Panel> panels_;  // they
  std::vector<size_t> slots_;           // of each query, in the arrays that follow
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

}  // namespace cairn::search
