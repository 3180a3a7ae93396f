// Exact search through 8-bit copies of the rows: candidates come from whole-number products whose
// errors are bounded, and are scored as search_exact scores them. Four times the multiplications a
// cycle of float32, a quarter of the memory traffic.
#pragma once

#include <cstdint>
#include <vector>

#include "cairn/search/exact_search.h"
#include "cairn/search/kernels/int8_panel.h"

namespace cairn::search {

// Each row x is kept as scale × whole numbers from -127 to 127, with the length of the residual.
// For a query q and its 8-bit copy q̂ (residual length e), Cauchy and Schwarz give
//   |x·q - x̂·q̂| ≤ |x - x̂| |q| + |x̂| e,
// so what lies further below the worst hit so far cannot become one.
class QuantisedRows {
 public:
  // Memory: a byte a value. Keeps a reference to the rows' memory.
  QuantisedRows(const Rows& rows, int threads);

  // The lists of search_exact. Without exclude_self. plain: use promising_rows_plain (for tests).
  std::vector<std::vector<Hit>> search(const Rows& queries, const SearchOptions& options,
                                       bool plain = false) const;

 private:
  class Block;
  struct alignas(64) Line {
    uint8_t values[64];
  };

  kernels::Panel panel(size_t p) const;

  Rows rows_;
  size_t groups_;  // of dimensions
  size_t panels_;
  std::vector<Line> values_;
  std::vector<float> scales_;
  std::vector<float> residuals_;
  double longest_ = 0;  // of the 8-bit copies
};

}  // namespace cairn::search
