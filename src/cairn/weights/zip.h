// Zip archives of stored (uncompressed) entries, with zip64: what torch.save writes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cairn::weights {

// Views the archive's bytes; whoever made them keeps them. The constructor throws Error ("where:
// …") unless the directory is whole and no two entries share a byte or a name. Nothing is ever
// unpacked: a compressed or encrypted entry is refused when it is asked for.
class ZipArchive {
 public:
  ZipArchive(std::span<const uint8_t> bytes, std::string where);

  std::vector<std::string_view> names() const;  // in the order of their data
  bool contains(std::string_view name) const { return by_name_.contains(name); }
  // An entry's bytes, their checksum verified. Throws Error where there is no such entry.
  std::span<const uint8_t> read(std::string_view name) const;

 private:
  struct Entry {
    std::string_view name;
    uint16_t flags = 0;
    uint16_t method = 0;
    uint32_t crc = 0;
    uint64_t packed = 0;
    uint64_t size = 0;
    uint64_t header = 0;  // where its local header begins
    uint64_t data = 0;    // where its bytes begin
  };

  [[noreturn]] void fail(const std::string& reason) const;
  uint64_t number(uint64_t at, size_t bytes) const;
  void read_directory();
  void read_entry(uint64_t& at, uint64_t end);
  void find_data(Entry& entry, uint64_t end) const;

  std::span<const uint8_t> bytes_;
  std::string where_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, size_t> by_name_;
};

}  // namespace cairn::weights
