// Exact search: for each query the index rows with the highest inner products.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace cairn::search {

// Embeddings to search with or in: ids.size() × dim float32, row-major, all finite. Rows of length
// 1 make the inner product the cosine similarity; other lengths are allowed. Does not own its
// memory.
struct Rows {
  std::span<const float> values;
  std::span<const std::string> ids;  // one a row, no two alike
  size_t dim = 0;

  size_t count() const { return ids.size(); }
  const float* row(size_t i) const { return values.data() + i * dim; }
};

struct Hit {
  size_t row = 0;   // of the index
  float score = 0;  // inner product
};

struct SearchOptions {
  size_t top = 100;           // hits a query, fewer where the index is smaller; at least 1
  int threads = 0;            // 0: all available cores
  bool exclude_self = false;  // leave out the index row that has the query's id
  // Empty, or of each query a score that at least `top` of its possible hits are known to reach:
  // saves looking at the others.
  std::span<const float> floors = {};
  // Called now and then, from any thread, with the number of queries that were finished since.
  std::function<void(size_t)> on_done = {};
};

// One list a query: by falling score, equal scores by rising id (byte order).
//
// The score is the inner product summed in double in one fixed order, rounded to float32 (see
// dot.h), so the lists do not depend on the number of threads, on block sizes, on what else is
// searched at the same time, nor on the processor. A float32 matrix product over blocks finds the
// candidates: only rows whose approximate product lies further below the worst hit so far than
// rounding errors can reach are passed over.
//
// Memory beside the results: about 1 MB a thread. Throws Error where dimensions differ or top is 0.
std::vector<std::vector<Hit>> search_exact(const Rows& queries, const Rows& index,
                                           const SearchOptions& options);

// Throws Error where so many rows of that dimension cannot be searched as asked.
void require_searchable(const Rows& queries, size_t rows, size_t dim, const SearchOptions& options);

}  // namespace cairn::search
