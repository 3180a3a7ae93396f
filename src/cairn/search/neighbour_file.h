// The bytes of neighbours.cairn and nearest.cairn (docs/formats.md, "Neighbour lists").
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "cairn/base/error.h"

namespace cairn::search {

// What lists belong to.
struct NeighbourKey {
  uint64_t from_rows = 0;
  uint64_t index_rows = 0;
  uint64_t dim = 0;
  uint64_t from_checksum = 0;   // of the values
  uint64_t index_checksum = 0;  // of the values and ids

  bool operator==(const NeighbourKey&) const = default;
};

// Lists of index rows for some rows, each as long as it was searched for.
class NeighbourLists {
 public:
  explicit NeighbourLists(const NeighbourKey& key) : key_(key) {}

  const NeighbourKey& key() const { return key_; }
  size_t count() const { return rows_.size(); }
  // The list of a row, empty where there is none.
  std::span<const uint32_t> find(size_t row) const;
  // Takes over lists that are longer than those of the same rows; both of the same key.
  void add(const NeighbourLists& others);
  // A list for a row above all others.
  void append(size_t row, std::span<const uint32_t> list);

  // Throws Error.
  void write(const std::filesystem::path& path) const;
  // Why not, where there is no file or it is damaged or of another version.
  static Result<NeighbourLists> read(const std::filesystem::path& path);

 private:
  NeighbourKey key_;
  std::vector<uint32_t> rows_;     // rising
  std::vector<uint32_t> lengths_;  // of their lists
  std::vector<uint32_t> lists_;    // one after the other
  std::vector<size_t> begins_;     // of each list
};

}  // namespace cairn::search
