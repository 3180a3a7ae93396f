// The bytes of graph.cairn (docs/formats.md):
//   nodes:  of each row its vector (VectorStore), uint32 the number of its links, 2 m uint32 links
//           (rows), padded to 64 bytes
//   upper:  of each level from 1 upwards its places, each 3 + m uint32: the row, the place of the
//           same row one level lower (level 1: the row), the number of links, the links (places of
//           the same level)
//   lines:  rows + 1 uint64: where each line of ids.txt begins, and its end
// and the checksums of stored_file.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cairn/search/stored_file.h"
#include "cairn/search/vector_store.h"

namespace cairn::search::graph {

inline constexpr std::string_view kMagic = "CAIRNHN\n";
inline constexpr uint64_t kVersion = 1;
inline constexpr size_t kMostLevels = 32;  // above the first
inline constexpr size_t kLeastLinks = 4;
inline constexpr size_t kMostLinks = 256;

struct Header {
  char magic[8];
  uint64_t version;
  uint64_t rows;
  uint64_t dim;
  uint32_t store;
  uint32_t m;
  uint64_t ef_construction;
  uint64_t seed;
  uint32_t entry;  // a place of the highest level
  uint32_t levels;
  uint32_t places[kMostLevels];  // of each level above the first
  uint64_t data_offset;          // of the first row in embeddings.npy
  stored::Source embeddings;
  stored::Source ids;
  uint64_t checksum_of_checksums;
  uint64_t checksum;  // of the header before this
};
static_assert(sizeof(Header) == 264);

// Where things lie.
struct Layout {
  explicit Layout(const Header& header);

  size_t links;       // at most, in a node
  size_t node_bytes;  // of which the number of links comes after the vector
  size_t place_numbers;
  uint64_t upper[kMostLevels + 1];  // where each level above the first begins
  uint64_t lines;
  uint64_t checksums;
};

}  // namespace cairn::search::graph
