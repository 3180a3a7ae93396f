// Scores rows in full that their copies made candidates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cairn/search/dot.h"
#include "cairn/search/row_copies.h"

namespace cairn::search {

struct RowAndQuery {
  uint32_t row;
  uint32_t query;
};

// The scores of rows in the order of their numbers, whoever asks: so neighbours share pages, whose
// addresses the processor has to look up, and while some are multiplied the next come from memory.
class RowScorer {
 public:
  explicit RowScorer(const RowCopies& rows) : rows_(rows) {
    if (rows.full_rows == nullptr) buffer_.resize(kTogether * rows.dim);
  }

  // Calls add(query, row, score) for each pair. query_of(query): its numbers.
  template <typename QueryOf, typename Add>
  void score(std::vector<RowAndQuery> pairs, const QueryOf& query_of, const Add& add) {
    std::sort(pairs.begin(), pairs.end(), [](const RowAndQuery& a, const RowAndQuery& b) {
      return a.row != b.row ? a.row < b.row : a.query < b.query;
    });
    const float* queries[kTogether];
    const float* rows[kTogether];
    double scores[kTogether];
    const size_t total = pairs.size();
    for (size_t i = 0; i < std::min(kAhead, total); ++i) prefetch(pairs[i].row);
    for (size_t begin = 0; begin < total; begin += kTogether) {
      const size_t count = std::min(kTogether, total - begin);
      for (size_t i = 0; i < count; ++i) {
        if (begin + i + kAhead < total) prefetch(pairs[begin + i + kAhead].row);
        queries[i] = query_of(pairs[begin + i].query);
        rows[i] = full_row(pairs[begin + i].row, i);
      }
      dots_of_pairs(queries, rows, count, rows_.dim, scores);
      for (size_t i = 0; i < count; ++i)
        add(pairs[begin + i].query, pairs[begin + i].row, static_cast<float>(scores[i]));
    }
  }

 private:
  static constexpr size_t kTogether = 8;
  static constexpr size_t kAhead = 8;

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

}  // namespace cairn::search
