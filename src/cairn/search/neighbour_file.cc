#include "cairn/search/neighbour_file.h"

#include <algorithm>
#include <cstring>
#include <ostream>

#include "cairn/base/checksum.h"
#include "cairn/base/files.h"

namespace cairn::search {
namespace {

constexpr char kMagic[8] = {'C', 'A', 'I', 'R', 'N', 'N', 'B', '\n'};
constexpr uint64_t kVersion = 1;

struct Header {
  char magic[8];
  uint64_t version;
  NeighbourKey key;
  uint64_t width;
  uint64_t count;
  uint64_t checksum_of_lists;
  uint64_t checksum;  // of the header before this
};
static_assert(sizeof(Header) == 88);

std::span<const uint8_t> bytes_of(std::span<const uint32_t> numbers) {
  return {reinterpret_cast<const uint8_t*>(numbers.data()), numbers.size_bytes()};
}

uint64_t checksum_of(const Header& header) {
  return checksum({reinterpret_cast<const uint8_t*>(&header), offsetof(Header, checksum)});
}

uint64_t checksum_of(std::span<const uint32_t> rows, std::span<const uint32_t> lists) {
  Checksum sum;
  sum.update(bytes_of(rows));
  sum.update(bytes_of(lists));
  return sum.value();
}

}  // namespace

std::span<const uint32_t> NeighbourLists::find(size_t row) const {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), row);
  if (at == rows_.end() || *at != row) return {};
  return std::span(lists_).subspan(static_cast<size_t>(at - rows_.begin()) * width_, width_);
}

void NeighbourLists::add(const NeighbourLists& others) {
  CAIRN_ASSERT(key_ == others.key_ && width_ == others.width_);
  NeighbourLists both(key_, width_);
  size_t mine = 0;
  size_t theirs = 0;
  while (mine < count() || theirs < others.count()) {
    const bool take =
        theirs == others.count() || (mine < count() && rows_[mine] <= others.rows_[theirs]);
    const uint32_t row = take ? rows_[mine] : others.rows_[theirs];
    both.append(row, take ? find(row) : others.find(row));
    while (mine < count() && rows_[mine] == row) ++mine;
    while (theirs < others.count() && others.rows_[theirs] == row) ++theirs;
  }
  *this = std::move(both);
}

void NeighbourLists::append(size_t row, std::span<const uint32_t> list) {
  CAIRN_ASSERT(list.size() == width_ && (rows_.empty() || rows_.back() < row));
  rows_.push_back(static_cast<uint32_t>(row));
  lists_.insert(lists_.end(), list.begin(), list.end());
}

void NeighbourLists::write(const fs::path& path) const {
  Header header{{}, kVersion, key_, width_, count(), checksum_of(rows_, lists_), 0};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.checksum = checksum_of(header);
  write_stream_atomically(path, [&](std::ostream& out) {
    out.write(reinterpret_cast<const char*>(&header), sizeof(header));
    for (const std::span<const uint32_t> part : {std::span(rows_), std::span(lists_)})
      out.write(reinterpret_cast<const char*>(part.data()),
                static_cast<std::streamsize>(part.size_bytes()));
  });
}

Result<NeighbourLists> NeighbourLists::read(const fs::path& path) {
  const auto bytes = try_read_file(path);
  if (!bytes.ok()) return Failure{bytes.reason()};
  Header header{};
  if (bytes.value().size() < sizeof(header) ||
      std::memcmp(bytes.value().data(), kMagic, sizeof(kMagic)) != 0)
    return Failure{"no neighbour lists"};
  std::memcpy(&header, bytes.value().data(), sizeof(header));
  if (header.version != kVersion)
    return Failure{"version " + std::to_string(header.version) + " of the format is unknown"};
  const size_t numbers = (bytes.value().size() - sizeof(header)) / sizeof(uint32_t);
  if (header.checksum != checksum_of(header) || header.count > numbers ||
      header.width > header.key.index_rows ||
      (header.count > 0 && header.width > numbers / header.count) ||
      bytes.value().size() != sizeof(header) + header.count * (1 + header.width) * sizeof(uint32_t))
    return Failure{"damaged"};
  NeighbourLists read(header.key, header.width);
  read.rows_.resize(header.count);
  read.lists_.resize(header.count * header.width);
  const uint8_t* at = bytes.value().data() + sizeof(header);
  std::copy_n(at, bytes_of(read.rows_).size(), reinterpret_cast<uint8_t*>(read.rows_.data()));
  at += bytes_of(read.rows_).size();
  std::copy_n(at, bytes_of(read.lists_).size(), reinterpret_cast<uint8_t*>(read.lists_.data()));
  const auto below = [](std::span<const uint32_t> all, uint64_t end) {
    return std::ranges::all_of(all, [end](uint32_t row) { return row < end; });
  };
  if (header.checksum_of_lists != checksum_of(read.rows_, read.lists_) ||
      std::ranges::adjacent_find(read.rows_, std::greater_equal()) != read.rows_.end() ||
      !below(read.rows_, header.key.from_rows) || !below(read.lists_, header.key.index_rows))
    return Failure{"damaged"};
  return read;
}

}  // namespace cairn::search
