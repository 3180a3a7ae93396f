// The bytes of search.cairn (docs/formats.md), little-endian:
//   header, padded to kHeaderBytes
//   values:    panels × PanelLayout::bytes()
//   scales:    panels × kPanelRows float32
//   residuals: likewise
//   lines:     rows + 1 uint64: where each line of ids.txt begins, and its end
//   checksums: of the blocks of the above without the header, kBlockBytes each but the last
// Sections are padded to 64 bytes by zeros.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::search::stored {

inline constexpr char kMagic[8] = {'C', 'A', 'I', 'R', 'N', 'I', 'X', '\n'};
inline constexpr uint64_t kVersion = 1;
inline constexpr size_t kHeaderBytes = 4096;
inline constexpr size_t kBlockBytes = 1 << 20;

// What a file was when the index was made of it.
struct Source {
  uint64_t bytes = 0;
  int64_t modified = 0;   // nanoseconds since 1970
  uint64_t checksum = 0;  // of all bytes
};

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
  uint64_t scales = 0;
  uint64_t residuals = 0;
  uint64_t lines = 0;
  uint64_t checksums = 0;
  uint64_t end = 0;
  uint64_t blocks = 0;
};

}  // namespace cairn::search::stored
