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

  // The lists of search_exact. plain: as of search_copies.
  std::vector<std::vector<Hit>> search(const Rows& queries, const SearchOptions& options,
                                       bool plain = false) const {
    return search_copies(copies_, rows_.ids, queries, options, plain);
  }

 private:
  struct Unmap {
    size_t bytes;
    void operator()(uint8_t* values) const;
  };

  Rows rows_;
  std::unique_ptr<uint8_t[], Unmap> values_;
  std::vector<float> scales_;
  std::vector<float> residuals_;
  RowCopies copies_;
};

}  // namespace cairn::search
