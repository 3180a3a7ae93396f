// Exact search through 8-bit copies of the rows: candidates come from whole-number products whose
// errors are bounded, and are scored as search_exact scores them. Four times the multiplications a
// cycle of float32, a quarter of the memory traffic.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "cairn/search/exact_search.h"
#include "cairn/search/ids.h"
#include "cairn/search/quantise.h"

namespace cairn::search {

// The copies of `count` rows of `dim` numbers in panels (quantise.h), wherever they lie.
//
// Each row x is kept as x̂ = scale × whole numbers, with the length of the residual. For a query q
// and its 8-bit copy q̂ (residual length e), Cauchy and Schwarz give
//   |x·q - x̂·q̂| ≤ |x - x̂| |q| + |x̂| e,
// so what lies further below the worst hit than that cannot become one. Of x̂·q̂ in turn, the
// product of the first dimensions and the lengths of the rest say how large it can be at most:
// where all rows of a panel are too far below for a query, the rest is not multiplied.
struct RowCopies {
  size_t count = 0;
  size_t dim = 0;
  const uint8_t* values = nullptr;  // of all panels, 64-byte aligned
  RowNumbers<const float> numbers;
  double longest = 0;  // copy
  // The rows in full, where they are in memory; else how to read one. From any thread.
  const float* full_rows = nullptr;
  std::function<void(size_t row, float* out)> read_row = {};
  // Called before panels are looked at; throws what is wrong with them. From any thread.
  std::function<void(size_t first, size_t count)> check = {};
};

// For tests.
struct ScanOptions {
  bool plain = false;                          // use promising_rows_plain
  std::atomic<uint64_t>* looked_at = nullptr;  // counts panels, for each query
  std::atomic<uint64_t>* given_up = nullptr;   // those that were not multiplied whole
  bool tile_registers = true;                  // where the processor has some
};

// The lists of search_exact. Throws Error where dimensions differ or top is 0.
std::vector<std::vector<Hit>> search_copies(const RowCopies& rows, const Ids& ids,
                                            const Rows& queries, const SearchOptions& options,
                                            const ScanOptions& scan = {});

}  // namespace cairn::search
