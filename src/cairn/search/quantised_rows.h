// 8-bit copies of rows in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cairn/search/row_copies.h"

namespace cairn::search {

class QuantisedRows {
 public:
  // Memory: a byte a value. Keeps a reference to the rows' memory.
  QuantisedRows(const Rows& rows, int threads);

  // The lists of search_exact.
  std::vector<std::vector<Hit>> search(const Rows& queries, const SearchOptions& options,
                                       const ScanOptions& scan = {}) const {
    return search_copies(copies_, rows_.ids, queries, options, scan);
  }

 private:
  struct Unmap {
    size_t bytes;
    void operator()(uint8_t* values) const;
  };

  Rows rows_;
  std::unique_ptr<uint8_t[], Unmap> values_;
  std::vector<float> numbers_;
  RowCopies copies_;
};

}  // namespace cairn::search
