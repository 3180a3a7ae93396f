// Embeddings that earlier runs computed, by the content of the photo: a folder that runs over other
// lists, and processes beside this one, share. docs/formats.md describes its files.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "cairn/base/files.h"

namespace cairn::embed {

// Thread-safe. What other processes add after the construction is not seen.
class EmbeddingCache {
 public:
  // settings: all that an embedding depends on beside the photo; only entries under the same
  // settings are found. limit: bytes that the whole folder may take, about; the segments written
  // longest ago go first. Throws Error where the folder cannot be made or read.
  EmbeddingCache(const std::filesystem::path& folder, const std::string& settings, size_t dim,
                 uint64_t limit);
  ~EmbeddingCache();
  EmbeddingCache(const EmbeddingCache&) = delete;
  EmbeddingCache& operator=(const EmbeddingCache&) = delete;

  // Fills row, or false. An entry that is damaged or gone counts as none.
  bool find(const Sha256Digest& photo, std::vector<float>& row);
  // Appends to a segment of this process alone. Where that fails (a full disk), a warning is logged
  // once and nothing is added any more.
  void add(const Sha256Digest& photo, const std::vector<float>& row);

  size_t size() const { return entries_.size(); }  // entries at the construction
  size_t hits() const { return hits_; }
  size_t damaged() const { return damaged_; }  // entries that find() met

 private:
  struct Entry {
    uint64_t prefix = 0;  // of the photo's digest
    uint32_t segment = 0;
    uint32_t number = 0;  // in the segment
  };

  void read_segment(const std::filesystem::path& keys);
  bool read_entry(const Entry& entry, const Sha256Digest& photo, std::vector<float>& row);
  void open_segment();
  void close_segment();
  void make_room() const;
  uint64_t checksum(const Sha256Digest& photo, std::span<const float> row) const;

  const std::filesystem::path root_;
  const std::filesystem::path folder_;  // of these settings
  const size_t dim_;
  const uint64_t limit_;
  std::vector<std::filesystem::path> segments_;  // without the ending
  std::vector<Entry> entries_;                   // by prefix
  std::atomic<size_t> hits_ = 0;
  std::atomic<size_t> damaged_ = 0;

  std::mutex writing_;
  int keys_file_ = -1;  // of the open segment
  int rows_file_ = -1;
  uint64_t written_ = 0;  // bytes in it
  bool failed_ = false;
};

}  // namespace cairn::embed
