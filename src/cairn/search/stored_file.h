// What the files beside embeddings have in common (docs/formats.md, "Indexes"): a header page, then
// sections padded to 64 bytes, then checksums of the blocks of these sections. Little-endian.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/checksum.h"
#include "cairn/base/mapped_file.h"
#include "cairn/search/embedding_files.h"
#include "cairn/search/ids.h"

namespace cairn::search::stored {

inline constexpr size_t kHeaderBytes = 4096;
inline constexpr size_t kBlockBytes = 1 << 20;
inline constexpr size_t kAlignment = 64;

constexpr uint64_t padded(uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

template <typename T>
std::span<const uint8_t> bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

// The bytes of a header before its last field, the checksum of them.
template <typename Header>
uint64_t header_checksum(const Header& header) {
  return checksum(bytes_of(std::span<const Header>(&header, 1)).first(offsetof(Header, checksum)));
}

// The command that makes search.cairn or graph.cairn.
std::string command_for(const std::filesystem::path& file);

// Throws Error: the file, what is wrong and what to do.
[[noreturn]] void damaged(const std::filesystem::path& path, const std::string& how);

// Throws Error, with what to do, where the file cannot be read or is none.
MappedFile map_file(const std::filesystem::path& path);

// What a file was when the index was made of it.
struct Source {
  uint64_t bytes = 0;
  int64_t modified = 0;   // nanoseconds since 1970
  uint64_t checksum = 0;  // of all bytes
};
Source source_of(const InputFile& file, uint64_t checksum);
// A file that only looks changed (copied, say) is told by its checksum.
bool is_still(const Source& source, const InputFile& file);

// Copies a header out of a file of that magic and version, whole. Throws Error.
void read_header_bytes(std::span<const uint8_t> file, std::string_view magic, uint64_t version,
                       const std::filesystem::path& path, void* header, size_t bytes);

// Where the lines of a text begin, and its end.
std::vector<uint64_t> line_starts(std::span<const uint8_t> text);

// Writes sections, and takes the checksums of blocks.
class BlockWriter {
 public:
  explicit BlockWriter(std::ostream& out) : out_(out) {}

  void write(std::span<const uint8_t> bytes);
  // Zeros after a section of so many bytes.
  void pad_section(uint64_t bytes);
  void write_section(std::span<const uint8_t> bytes) {
    write(bytes);
    pad_section(bytes.size());
  }
  // Writes the checksums; returns the checksum of them.
  uint64_t finish();

 private:
  void end_block();

  std::ostream& out_;
  Checksum block_;
  size_t in_block_ = 0;
  std::vector<uint64_t> checksums_;
};

// The sections of a mapped file, each block checked when it is first needed.
class CheckedBlocks {
 public:
  // Sections end where the checksums begin. Throws Error where the file is not as long as that
  // makes it, or the checksums are damaged.
  CheckedBlocks(const std::filesystem::path& path, std::span<const uint8_t> file,
                uint64_t checksums, uint64_t checksum_of_checksums);

  // Throws Error where one of these bytes, by their place in the file, is damaged. From any thread.
  void check(uint64_t at, uint64_t bytes) const {
    if (bytes == 0) return;
    const uint64_t last = (at + bytes - 1 - kHeaderBytes) / kBlockBytes;
    for (uint64_t b = (at - kHeaderBytes) / kBlockBytes; b <= last; ++b)
      if (!checked_[b].load(std::memory_order_relaxed)) check_block(b);
  }
  void check_all() const { check(kHeaderBytes, checksums_ - kHeaderBytes); }

  static uint64_t blocks(uint64_t checksums) {
    return (checksums - kHeaderBytes + kBlockBytes - 1) / kBlockBytes;
  }
  static uint64_t end(uint64_t checksums) {
    return checksums + blocks(checksums) * sizeof(uint64_t);
  }

 private:
  void check_block(uint64_t b) const;

  std::filesystem::path path_;
  std::span<const uint8_t> file_;
  uint64_t checksums_;
  mutable std::vector<std::atomic<bool>> checked_;
};

// The embeddings.npy and ids.txt that a file belongs to. ids.txt is mapped; where its lines begin
// is a section of the file.
class StoredEmbeddings : public Lines {
 public:
  // starts: where the section of rows + 1 uint64 begins.
  StoredEmbeddings(const std::filesystem::path& folder, uint64_t rows, const CheckedBlocks& blocks,
                   std::span<const uint8_t> file, uint64_t starts, std::filesystem::path path);

  // Which file has changed since; "": neither.
  std::string changed(uint64_t dim, uint64_t data_offset, const Source& embeddings,
                      const Source& ids) const;
  // Reads both files: throws Error where the content of one is another, even if it does not look
  // changed.
  void check(const Source& embeddings, const Source& ids) const;
  const RowFile& rows() const { return rows_; }

  size_t size() const override { return count_; }
  std::string_view line(size_t i) const override;

 private:
  std::filesystem::path path_;
  std::filesystem::path folder_;
  uint64_t count_;
  const CheckedBlocks& blocks_;
  std::span<const uint8_t> file_;
  uint64_t starts_;
  RowFile rows_;
  MappedFile ids_;
};

// ids.txt of a folder, whose lines must be as many as the rows of its embeddings.npy.
struct IdText {
  std::vector<uint64_t> starts;
  Source source;
};
// Throws Error where they are not, or the embeddings are too large to index.
IdText read_id_text(const std::filesystem::path& folder, const RowFile& rows);

}  // namespace cairn::search::stored
