// embeddings.npy and ids.txt of an embedding folder, as a search needs them.
#pragma once

#include <filesystem>
#include <span>

namespace cairn::search {

// A file to read from at any place and from any thread.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);  // throws Error
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  uint64_t bytes() const { return bytes_; }
  int64_t modified() const { return modified_; }  // nanoseconds since 1970
  // Throws Error where the file has not so many bytes there.
  void read(uint64_t offset, std::span<uint8_t> out) const;
  uint64_t checksum() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t bytes_ = 0;
  int64_t modified_ = 0;
};

// Rows of embeddings.npy, which stay on disk.
class RowFile {
 public:
  explicit RowFile(const std::filesystem::path& path);  // throws Error: no matrix of float32

  const InputFile& file() const { return file_; }
  size_t rows() const { return rows_; }
  size_t dim() const { return dim_; }
  uint64_t data_offset() const { return data_offset_; }
  void read(size_t first, size_t count, float* out) const;

 private:
  InputFile file_;
  size_t rows_ = 0;
  size_t dim_ = 0;
  uint64_t data_offset_ = 0;
};

}  // namespace cairn::search
