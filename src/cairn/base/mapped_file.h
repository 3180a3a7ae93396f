// A file's bytes in memory without reading them first: pages come when they are touched, and are
// not counted twice where the data is copied once more.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace cairn {

// The bytes stay what they are while the object lives, also when another file takes the name. (A
// file that is cut short in place meanwhile ends the program; Cairn never does that.) Writing to
// them changes this process's copy only. Throws Error that names the file.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const uint8_t> bytes() const { return {data_, size_}; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace cairn
