// The bytes of search.cairn (docs/formats.md), little-endian:
//   header, padded to kHeaderBytes
//   values:    panels × PanelLayout::bytes()
//   numbers:   RowNumbers of whole panels, float32
//   lines:     rows + 1 uint64: where each line of ids.txt begins, and its end
// and the checksums of stored_file.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cairn/search/stored_file.h"

namespace cairn::search::stored {

inline constexpr std::string_view kMagic = "CAIRNIX\n";
inline constexpr uint64_t kVersion = 2;

struct Header {
  char magic[8];
  uint64_t version;
  uint64_t rows;
  uint64_t dim;
  uint64_t panel_rows;
  uint64_t group;
  double longest;
  uint64_t data_offset;  // of the first row in embeddings.npy
  Source embeddings;
  Source ids;
  uint64_t checksum_of_checksums;
  uint64_t checksum;  // of the header before this
};
static_assert(sizeof(Header) == 128);

// Where things begin.
struct Sections {
  Sections(uint64_t rows, uint64_t dim);

  uint64_t values = kHeaderBytes;
  uint64_t numbers = 0;
  uint64_t lines = 0;
  uint64_t checksums = 0;
};

}  // namespace cairn::search::stored
