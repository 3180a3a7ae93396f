#include "cairn/image/exif.h"

#include <algorithm>
#include <string_view>

namespace cairn::image {
namespace {

// Integers of a TIFF structure. Reading past the end gives 0, which no caller takes for data.
class TiffReader {
 public:
  TiffReader(std::span<const uint8_t> bytes, bool big_endian)
      : bytes_(bytes), big_endian_(big_endian) {}

  uint32_t u16(uint64_t at) const { return read(at, 2); }
  uint32_t u32(uint64_t at) const { return read(at, 4); }

 private:
  uint32_t read(uint64_t at, size_t count) const {
    if (at + count > bytes_.size()) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      const uint32_t byte = bytes_[at + (big_endian_ ? i : count - 1 - i)];
      value = value << 8 | byte;
    }
    return value;
  }

  std::span<const uint8_t> bytes_;
  bool big_endian_;
};

bool starts_with(std::span<const uint8_t> bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), bytes.begin(),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

}  // namespace

int exif_orientation(std::span<const uint8_t> tiff) {
  constexpr uint32_t kOrientation = 0x0112;
  constexpr uint32_t kShort = 3;
  if (starts_with(tiff, std::string_view("Exif\0\0", 6))) tiff = tiff.subspan(6);
  const bool big_endian = starts_with(tiff, std::string_view("MM\0*", 4));
  if (!big_endian && !starts_with(tiff, std::string_view("II*\0", 4))) return 1;

  const TiffReader reader(tiff, big_endian);
  const uint64_t directory = reader.u32(4);
  const uint32_t entries = reader.u16(directory);
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + i * 12;
    if (entry + 12 > tiff.size()) break;
    if (reader.u16(entry) != kOrientation) continue;
    const uint32_t value = reader.u16(entry + 8);
    return reader.u16(entry + 2) == kShort && value >= 1 && value <= 8 ? static_cast<int>(value)
                                                                       : 1;
  }
  return 1;
}

}  // namespace cairn::image
