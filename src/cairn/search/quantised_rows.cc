#include "cairn/search/quantised_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/dot.h"
#include "cairn/search/top_hits.h"

namespace cairn::search {
namespace {

using kernels::kGroup;
using kernels::kPanelRows;
using kernels::kTileQueries;

// Queries of one block stay in a core's second-level cache, beside a panel in its first.
constexpr size_t kMostTiles = 32;
// More than the rounding errors of lengths that are computed in double.
constexpr double kRounding = 1 + 1e-9;

struct Quantised {
  float scale = 0;
  double residual = 0;  // length of row - scale × values, rounded up
  double length = 0;    // of scale × values, rounded up
};

// values: dim numbers from -127 to 127.
Quantised quantise(const float* row, size_t dim, int8_t* values) {
  float largest = 0;
  for (size_t d = 0; d < dim; ++d) largest = std::max(largest, std::abs(row[d]));
  Quantised result;
  result.scale = largest / 127;
  const double factor = result.scale > 0 ? 1 / static_cast<double>(result.scale) : 0;
  double residual = 0;
  double length = 0;
  for (size_t d = 0; d < dim; ++d) {
    const double value = std::clamp(std::nearbyint(row[d] * factor), -127.0, 127.0);
    values[d] = static_cast<int8_t>(value);
    const double kept = value * result.scale;
    residual += (row[d] - kept) * (row[d] - kept);
    length += kept * kept;
  }
  result.residual = std::sqrt(residual) * kRounding;
  result.length = std::sqrt(length) * kRounding;
  return result;
}

float round_up(double value) {
  return std::nextafter(static_cast<float>(value), std::numeric_limits<float>::infinity());
}

float round_down(double value) {
  return std::nextafter(static_cast<float>(value), -std::numeric_limits<float>::infinity());
}

}  // namespace

QuantisedRows::QuantisedRows(const Rows& rows, int threads)
    : rows_(rows),
      groups_((rows.dim + kGroup - 1) / kGroup),
      panels_((rows.count() + kPanelRows - 1) / kPanelRows),
      values_(panels_ * groups_ * kPanelRows * kGroup / sizeof(Line)),
      scales_(panels_ * kPanelRows, 0),
      residuals_(panels_ * kPanelRows, -std::numeric_limits<float>::infinity()) {
  static_assert(kPanelRows * kGroup % sizeof(Line) == 0);
  std::vector<double> longest(panels_, 0);
  parallel_for(panels_, resolve_threads(threads), [&](size_t begin, size_t end) {
    std::vector<int8_t> row(groups_ * kGroup, 0);
    for (size_t p = begin; p < end; ++p) {
      uint8_t* panel = values_[p * groups_ * kPanelRows * kGroup / sizeof(Line)].values;
      const size_t count = std::min(kPanelRows, rows_.count() - p * kPanelRows);
      for (size_t r = 0; r < count; ++r) {
        const size_t i = p * kPanelRows + r;
        const Quantised quantised = quantise(rows_.row(i), rows_.dim, row.data());
        for (size_t d = 0; d < row.size(); ++d)
          panel[(d / kGroup * kPanelRows + r) * kGroup + d % kGroup] =
              static_cast<uint8_t>(row[d] + 128);
        scales_[i] = quantised.scale;
        residuals_[i] = round_up(quantised.residual);
        longest[p] = std::max(longest[p], quantised.length);
      }
    }
  });
  for (const double its : longest) longest_ = std::max(longest_, its);
}

kernels::Panel QuantisedRows::panel(size_t p) const {
  return {values_[p * groups_ * kPanelRows * kGroup / sizeof(Line)].values,
          &scales_[p * kPanelRows], &residuals_[p * kPanelRows]};
}

// Some queries, and their hits so far.
class QuantisedRows::Block {
 public:
  Block(const QuantisedRows& index, const Rows& queries, size_t begin, size_t end, size_t top)
      : index_(index), queries_(queries), begin_(begin), count_(end - begin) {
    tiles_ = (count_ + kTileQueries - 1) / kTileQueries;
    const size_t padded = tiles_ * kTileQueries;
    values_.assign(padded * index.groups_ * kGroup, 0);
    offsets_.assign(padded, 0);
    lengths_.assign(padded, 0);
    limits_.assign(padded, std::numeric_limits<float>::infinity());  // nothing for padding
    scales_.assign(count_, 1);
    margins_.assign(count_, 0);
    hits_.assign(count_, TopHits(top, index.rows_.ids));
    std::vector<int8_t> row(index.groups_ * kGroup, 0);
    for (size_t q = 0; q < count_; ++q) {
      const float* query = queries.row(begin + q);
      const Quantised quantised = quantise(query, queries.dim, row.data());
      int8_t* tile = tile_values(q / kTileQueries);
      for (size_t d = 0; d < row.size(); ++d) {
        tile[(d / kGroup * kTileQueries + q % kTileQueries) * kGroup + d % kGroup] = row[d];
        offsets_[q] -= 128 * row[d];
      }
      if (quantised.scale > 0) scales_[q] = quantised.scale;
      const double length = length_bound(query, queries.dim);
      lengths_[q] = round_up(length / scales_[q]);
      // The last term is more than the kernel's own roundings.
      margins_[q] = quantised.residual * index.longest_ +
                    0x1p-20 * (length + quantised.residual) * (index.longest_ + 1);
      set_limit(q);
    }
  }

  void scan(size_t p, bool plain) {
    const kernels::Panel panel = index_.panel(p);
    uint32_t masks[kTileQueries];
    for (size_t t = 0; t < tiles_; ++t) {
      const size_t first = t * kTileQueries;
      const kernels::Tile tile{tile_values(t), &offsets_[first], &lengths_[first], &limits_[first]};
      (plain ? kernels::promising_rows_plain : kernels::promising_rows)(panel, tile, index_.groups_,
                                                                        masks);
      for (size_t q = 0; q < kTileQueries; ++q)
        if (masks[q] != 0) add(first + q, p * kPanelRows, masks[q]);
    }
  }

  std::vector<Hit> take(size_t q) { return hits_[q].take(); }

 private:
  int8_t* tile_values(size_t t) {
    return values_.data() + t * kTileQueries * index_.groups_ * kGroup;
  }

  void add(size_t q, size_t first_row, uint32_t mask) {
    const float* query = queries_.row(begin_ + q);
    for (; mask != 0; mask &= mask - 1) {
      const size_t row = first_row + static_cast<size_t>(std::countr_zero(mask));
      const auto score = static_cast<float>(dot(query, index_.rows_.row(row), queries_.dim));
      if (score >= hits_[q].worst()) hits_[q].add({row, score});
    }
    set_limit(q);
  }

  void set_limit(size_t q) {
    const double worst = hits_[q].worst();
    // The worst score was rounded to float32 itself.
    const double limit = (worst - margins_[q] - std::abs(worst) * 0x1p-23) / scales_[q];
    // Rows that are not there have -infinity, and must not pass.
    limits_[q] = std::max(round_down(limit), std::numeric_limits<float>::lowest());
  }

  const QuantisedRows& index_;
  const Rows& queries_;
  size_t begin_;
  size_t count_;
  size_t tiles_ = 0;
  std::vector<int8_t> values_;
  std::vector<int32_t> offsets_;
  std::vector<float> lengths_;  // over the query's scale
  std::vector<float> limits_;   // over the query's scale
  std::vector<float> scales_;
  std::vector<double> margins_;
  std::vector<TopHits> hits_;
};

std::vector<std::vector<Hit>> QuantisedRows::search(const Rows& queries,
                                                    const SearchOptions& options,
                                                    bool plain) const {
  CAIRN_ASSERT(queries.dim == rows_.dim && options.top > 0 && !options.exclude_self);
  const auto threads = static_cast<size_t>(resolve_threads(options.threads));
  const size_t tiles = (queries.count() + kTileQueries - 1) / kTileQueries;
  // At least some blocks for each thread, so that they end together.
  const size_t block = std::clamp<size_t>(tiles / (threads * 4), 1, kMostTiles) * kTileQueries;
  std::vector<std::vector<Hit>> results(queries.count());
  parallel_each((queries.count() + block - 1) / block, static_cast<int>(threads), [&](size_t b) {
    const size_t begin = b * block;
    const size_t end = std::min(begin + block, queries.count());
    Block queries_of(*this, queries, begin, end, options.top);
    for (size_t p = 0; p < panels_; ++p) queries_of.scan(p, plain);
    for (size_t q = begin; q < end; ++q) results[q] = queries_of.take(q - begin);
    if (options.on_done) options.on_done(end - begin);
  });
  return results;
}

}  // namespace cairn::search
