#include "cairn/base/npy.h"

#include <charconv>
#include <cstring>
#include <ostream>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn/base/files.h"

namespace cairn {
namespace {

// The value after 'key': in the header's Python dict literal.
std::string_view dict_value(std::string_view dict, std::string_view key, const std::string& where) {
  const size_t at = dict.find("'" + std::string(key) + "'");
  const size_t colon = at == std::string_view::npos ? at : dict.find(':', at);
  if (colon == std::string_view::npos) {
    throw Error(where + ": the .npy header has no '" + std::string(key) + "'");
  }
  std::string_view value = dict.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

std::vector<int64_t> parse_shape(std::string_view text, const std::string& where) {
  const size_t close = text.find(')');
  if (text.empty() || text[0] != '(' || close == std::string_view::npos) {
    throw Error(where + ": the .npy header has a malformed shape");
  }
  std::vector<int64_t> shape;
  for (size_t i = 1; i < close;) {
    if (text[i] == ' ' || text[i] == ',') {
      ++i;
      continue;
    }
    int64_t extent = -1;
    const auto [end, failed] = std::from_chars(text.data() + i, text.data() + close, extent);
    if (failed != std::errc() || extent < 0) {
      throw Error(where + ": the .npy header has a malformed shape");
    }
    shape.push_back(extent);
    i = static_cast<size_t>(end - text.data());
  }
  return shape;
}

template <typename T>
NpyArray<T> read_npy(const std::filesystem::path& path, const char* descr) {
  const std::vector<uint8_t> bytes = read_file(path);
  const NpyHeader header = parse_npy_header(bytes, bytes.size(), path.string());
  if (header.descr != descr) {
    throw Error(path.string() + ": elements are " + header.descr + ", " + descr + " was expected");
  }
  NpyArray<T> array{header.shape, std::vector<T>(header.element_count())};
  if (!array.values.empty()) {
    std::memcpy(array.values.data(), bytes.data() + header.data_offset,
                array.values.size() * sizeof(T));
  }
  return array;
}

}  // namespace

size_t NpyHeader::element_count() const {
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  return count;
}

NpyHeader parse_npy_header(std::span<const uint8_t> bytes, uint64_t size,
                           const std::string& where) {
  if (bytes.size() < 10 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0) {
    throw Error(where + ": not a NumPy .npy file");
  }
  const int major = bytes[6];
  const size_t prefix = major == 1 ? 10 : 12;
  if (major < 1 || major > 3 || bytes.size() < prefix) {
    throw Error(where + ": unknown .npy version " + std::to_string(major));
  }
  size_t length = bytes[8] | size_t{bytes[9]} << 8;
  if (major > 1) length |= size_t{bytes[10]} << 16 | size_t{bytes[11]} << 24;
  if (length > bytes.size() - prefix) throw Error(where + ": truncated .npy header");

  const std::string_view dict(reinterpret_cast<const char*>(bytes.data()) + prefix, length);
  NpyHeader header;
  header.data_offset = prefix + length;
  const std::string_view descr = dict_value(dict, "descr", where);
  const size_t close = descr.empty() ? std::string_view::npos : descr.find(descr[0], 1);
  if (close == std::string_view::npos) throw Error(where + ": unreadable .npy element type");
  header.descr = std::string(descr.substr(1, close - 1));
  if (!dict_value(dict, "fortran_order", where).starts_with("False")) {
    throw Error(where + ": Fortran order is not supported; save it with numpy.ascontiguousarray");
  }
  header.shape = parse_shape(dict_value(dict, "shape", where), where);

  const size_t digits = header.descr.find_first_of("0123456789");
  uint64_t need =
      digits == std::string::npos ? 0 : std::strtoull(&header.descr[digits], nullptr, 10);
  if (need == 0) throw Error(where + ": unreadable .npy element type " + header.descr);
  const uint64_t have = size - std::min<uint64_t>(size, header.data_offset);
  for (const int64_t extent : header.shape) {
    if (extent != 0 && need > have / static_cast<uint64_t>(extent)) {
      throw Error(where + ": truncated: the shape needs more than the " + std::to_string(have) +
                  " bytes of data there are");
    }
    need *= static_cast<uint64_t>(extent);
  }
  return header;
}

NpyArray<float> read_npy_f32(const std::filesystem::path& path) {
  return read_npy<float>(path, "<f4");
}

NpyArray<int64_t> read_npy_i64(const std::filesystem::path& path) {
  return read_npy<int64_t>(path, "<i8");
}

std::string npy_f32_header(std::span<const int64_t> shape) {
  std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < shape.size(); ++i) {
    dict += std::to_string(shape[i]) + (shape.size() == 1 || i + 1 < shape.size() ? "," : "");
    if (i + 1 < shape.size()) dict += ' ';
  }
  dict += "), }";
  while ((10 + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(dict.size() & 0xFF);
  header += static_cast<char>(dict.size() >> 8);
  return header + dict;
}

void write_npy(const std::filesystem::path& path, std::span<const int64_t> shape,
               std::span<const float> values) {
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  CAIRN_ASSERT(count == values.size());
  write_stream_atomically(path, [&](std::ostream& out) {
    out << npy_f32_header(shape);
    out.write(reinterpret_cast<const char*>(values.data()),
              static_cast<std::streamsize>(values.size_bytes()));
  });
}

}  // namespace cairn
