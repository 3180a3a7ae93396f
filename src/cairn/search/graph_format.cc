#include "cairn/search/graph_format.h"

namespace cairn::search::graph {

Layout::Layout(const Header& header) : links(2 * size_t{header.m}) {
  const VectorStore store(static_cast<Store>(header.store), header.dim);
  node_bytes = stored::padded(store.bytes() + (1 + links) * sizeof(uint32_t));
  place_numbers = 3 + size_t{header.m};
  uint64_t at = stored::kHeaderBytes + header.rows * node_bytes;
  for (size_t level = 0; level <= kMostLevels; ++level) {
    upper[level] = at;
    if (level < header.levels) at += header.places[level] * place_numbers * sizeof(uint32_t);
  }
  lines = stored::padded(at);
  checksums = lines + stored::padded((header.rows + 1) * sizeof(uint64_t));
}

}  // namespace cairn::search::graph
