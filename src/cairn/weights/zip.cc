#include "cairn/weights/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/weights/stored_tensor.h"

namespace cairn::weights {
namespace {

constexpr uint32_t kLocalMagic = 0x04034b50;
constexpr uint32_t kEntryMagic = 0x02014b50;
constexpr uint32_t kEndMagic = 0x06054b50;
constexpr uint32_t kEnd64Magic = 0x06064b50;
constexpr uint32_t kLocator64Magic = 0x07064b50;
constexpr uint64_t kLocalSize = 30;
constexpr uint64_t kEntrySize = 46;
constexpr uint64_t kEndSize = 22;
constexpr uint64_t kEnd64Size = 56;
constexpr uint64_t kLocator64Size = 20;
constexpr uint64_t kLongestComment = 0xffff;
constexpr uint64_t kIn64 = 0xffffffff;  // the number is in the zip64 field
constexpr uint16_t kField64 = 1;

}  // namespace

ZipArchive::ZipArchive(std::span<const uint8_t> bytes, std::string where)
    : bytes_(bytes), where_(std::move(where)) {
  read_directory();
}

void ZipArchive::fail(const std::string& reason) const {
  throw Error(fmt::format("{}: not a whole zip archive: {}", where_, reason));
}

// A little-endian number.
uint64_t ZipArchive::number(uint64_t at, size_t bytes) const {
  if (at > bytes_.size() || bytes > bytes_.size() - at) fail("it is cut short");
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | bytes_[at + i];
  return value;
}

void ZipArchive::read_directory() {
  if (bytes_.size() < kEndSize) fail("it is cut short");
  uint64_t end = bytes_.size() - kEndSize;
  const uint64_t first = end > kLongestComment ? end - kLongestComment : 0;
  while (number(end, 4) != kEndMagic || number(end + 20, 2) != bytes_.size() - end - kEndSize) {
    if (end == first) fail("it has no directory; was the download complete?");
    --end;
  }
  uint64_t count = number(end + 10, 2);
  uint64_t size = number(end + 12, 4);
  uint64_t at = number(end + 16, 4);
  uint64_t directory_end = end;
  if (end >= kLocator64Size && number(end - kLocator64Size, 4) == kLocator64Magic) {
    directory_end = number(end - kLocator64Size + 8, 8);
    if (directory_end > bytes_.size() - kEnd64Size || number(directory_end, 4) != kEnd64Magic)
      fail("its zip64 directory is not where it says");
    count = number(directory_end + 32, 8);
    size = number(directory_end + 40, 8);
    at = number(directory_end + 48, 8);
  }
  if (at > directory_end || size != directory_end - at || count > size / kEntrySize)
    fail("its directory is not where it says");
  const uint64_t begin = at;
  for (uint64_t i = 0; i < count; ++i) read_entry(at, directory_end);
  if (at != directory_end) fail("its directory has bytes that belong to no entry");

  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.header < b.header; });
  uint64_t free = 0;
  for (Entry& entry : entries_) {
    if (entry.header < free) fail(fmt::format("entry {} overlaps another", printable(entry.name)));
    find_data(entry, begin);
    free = entry.data + entry.packed;
    if (!by_name_.emplace(entry.name, static_cast<size_t>(&entry - entries_.data())).second)
      fail(fmt::format("it has two entries {}", printable(entry.name)));
  }
}

void ZipArchive::read_entry(uint64_t& at, uint64_t end) {
  if (number(at, 4) != kEntryMagic) fail("its directory is damaged");
  Entry entry;
  entry.flags = static_cast<uint16_t>(number(at + 8, 2));
  entry.method = static_cast<uint16_t>(number(at + 10, 2));
  entry.crc = static_cast<uint32_t>(number(at + 16, 4));
  entry.packed = number(at + 20, 4);
  entry.size = number(at + 24, 4);
  entry.header = number(at + 42, 4);
  const uint64_t name = number(at + 28, 2);
  const uint64_t extra = number(at + 30, 2);
  const uint64_t comment = number(at + 32, 2);
  if (at + kEntrySize + name + extra + comment > end) fail("its directory is cut short");
  entry.name = {reinterpret_cast<const char*>(bytes_.data()) + at + kEntrySize, name};
  uint64_t field = at + kEntrySize + name;
  const uint64_t fields_end = field + extra;
  while (field + 4 <= fields_end) {
    const uint64_t kind = number(field, 2);
    const uint64_t field_end = field + 4 + number(field + 2, 2);
    if (field_end > fields_end) fail("its directory is damaged");
    field += 4;
    if (kind == kField64) {
      for (uint64_t* value : {&entry.size, &entry.packed, &entry.header}) {
        if (*value != kIn64) continue;
        if (field + 8 > field_end) fail("its directory is damaged");
        *value = number(field, 8);
        field += 8;
      }
    }
    field = field_end;
  }
  at = fields_end + comment;
  entries_.push_back(entry);
}

void ZipArchive::find_data(Entry& entry, uint64_t end) const {
  const auto broken = [&] { fail(fmt::format("entry {} is damaged", printable(entry.name))); };
  if (entry.header > end || number(entry.header, 4) != kLocalMagic) broken();
  const uint64_t name = number(entry.header + 26, 2);
  entry.data = entry.header + kLocalSize + name + number(entry.header + 28, 2);
  if (entry.data > end || entry.packed > end - entry.data) broken();
  const auto* text = reinterpret_cast<const char*>(bytes_.data()) + entry.header + kLocalSize;
  if (std::string_view(text, name) != entry.name) broken();
}

std::vector<std::string_view> ZipArchive::names() const {
  std::vector<std::string_view> names;
  for (const Entry& entry : entries_) names.push_back(entry.name);
  return names;
}

std::span<const uint8_t> ZipArchive::read(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) fail(fmt::format("it has no entry {}", printable(name)));
  const Entry& entry = entries_[found->second];
  if (entry.method != 0 || (entry.flags & 1) != 0 || entry.packed != entry.size)
    throw Error(
        fmt::format("{}: entry {} is compressed or encrypted, which torch.save never does; "
                    "load the file with PyTorch and save it again",
                    where_, printable(name)));
  const auto bytes = bytes_.subspan(entry.data, entry.size);
  if (crc32_z(0, bytes.data(), bytes.size()) != entry.crc)
    throw Error(
        fmt::format("{}: entry {} is damaged: its checksum differs", where_, printable(name)));
  return bytes;
}

}  // namespace cairn::weights
