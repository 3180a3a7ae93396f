// NumPy array files (format 1.0 to 3.0, little-endian, C order).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace cairn {

struct NpyHeader {
  std::string descr;           // "<f4", "<i8", …
  std::vector<int64_t> shape;  // row-major
  size_t data_offset = 0;      // bytes before the first element
  size_t element_count() const;
};

// Parses the header of a file that is size bytes long and starts with these bytes.
// Throws Error (where: the file's name for the message) on anything but a whole C-order array.
NpyHeader parse_npy_header(std::span<const uint8_t> bytes, uint64_t size, const std::string& where);

template <typename T>
struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<T> values;  // row-major
};

// float32 and int64 arrays; another element type is an Error.
NpyArray<float> read_npy_f32(const std::filesystem::path& path);
NpyArray<int64_t> read_npy_i64(const std::filesystem::path& path);

// The header of a float32 array, padded to a multiple of 64 bytes (NumPy's own layout).
std::string npy_f32_header(std::span<const int64_t> shape);

// Writes atomically. shape's product must be values.size().
void write_npy(const std::filesystem::path& path, std::span<const int64_t> shape,
               std::span<const float> values);

}  // namespace cairn
