#include "cairn/search/neighbour_file.h"

#include <algorithm>
#include <cstring>
#include <ostream>

#include "cairn/base/checksum.h"
#include "cairn/base/files.h"

namespace cairn::search {
namespace {

constexpr char kMagic[8] = {'C', 'A', 'I', 'R', 'N', 'N', 'B', '\n'};
constexpr uint64_t kVersion = 2;

struct Header {
  char magic[8];
  uint64_t version;
  NeighbourKey key;
  uint64_t count;    // of lists
  uint64_t numbers;  // in all lists
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

uint64_t checksum_of(std::initializer_list<std::span<const uint32_t>> sections) {
  Checksum sum;
  for (const auto& section : sections) sum.update(bytes_of(section));
  return sum.value();
}

}  // namespace

std::span<const uint32_t> NeighbourLists::find(size_t row) const {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), row);
  if (at == rows_.end() || *at != row) return {};
  const auto i = static_cast<size_t>(at - rows_.begin());
  return std::span(lists_).subspan(begins_[i], lengths_[i]);
}

void NeighbourLists::add(const NeighbourLists& others) {
  CAIRN_ASSERT(key_ == others.key_);
  std::vector<uint32_t> rows;
  std::ranges::set_union(rows_, others.rows_, std::back_inserter(rows));
  NeighbourLists both(key_);
  for (const uint32_t row : rows) {
    const auto mine = find(row);
    const auto theirs = others.find(row);
    both.append(row, mine.size() < theirs.size() ? theirs : mine);
  }
  *this = std::move(both);
}

void NeighbourLists::append(size_t row, std::span<const uint32_t> list) {
  CAIRN_ASSERT(rows_.empty() || rows_.back() < row);
  rows_.push_back(static_cast<uint32_t>(row));
  lengths_.push_back(static_cast<uint32_t>(list.size()));
  begins_.push_back(lists_.size());
  lists_.insert(lists_.end(), list.begin(), list.end());
}

void NeighbourLists::write(const fs::path& path) const {
  Header header{{}, kVersion, key_, count(), lists_.size(), checksum_of({rows_, lengths_, lists_}),
                0};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.checksum = checksum_of(header);
  write_stream_atomically(path, [&](std::ostream& out) {
    out.write(reinterpret_cast<const char*>(&header), sizeof(header));
    for (const auto* section : {&rows_, &lengths_, &lists_}) {
      const auto bytes = bytes_of(*section);
      out.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    }
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
  if (header.checksum != checksum_of(header) || header.count > numbers / 2 ||
      header.numbers > numbers ||
      bytes.value().size() !=
          sizeof(header) + (2 * header.count + header.numbers) * sizeof(uint32_t))
    return Failure{"damaged"};
  NeighbourLists read(header.key);
  read.rows_.resize(header.count);
  read.lengths_.resize(header.count);
  read.lists_.resize(header.numbers);
  const uint8_t* at = bytes.value().data() + sizeof(header);
  for (auto* section : {&read.rows_, &read.lengths_, &read.lists_}) {
    const size_t size = bytes_of(*section).size();
    std::copy_n(at, size, reinterpret_cast<uint8_t*>(section->data()));
    at += size;
  }
  size_t total = 0;
  for (const uint32_t length : read.lengths_) {
    read.begins_.push_back(total);
    total += length;
  }
  const auto below = [](std::span<const uint32_t> all, uint64_t end) {
    return std::ranges::all_of(all, [end](uint32_t row) { return row < end; });
  };
  if (total != header.numbers ||
      header.checksum_of_lists != checksum_of({read.rows_, read.lengths_, read.lists_}) ||
      std::ranges::adjacent_find(read.rows_, std::greater_equal()) != read.rows_.end() ||
      !below(read.rows_, header.key.from_rows) || !below(read.lists_, header.key.index_rows))
    return Failure{"damaged"};
  return read;
}

}  // namespace cairn::search
