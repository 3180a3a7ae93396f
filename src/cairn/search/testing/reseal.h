// Makes the checksums of a changed index file right, as a forger would.
#pragma once

#include <cstring>
#include <vector>

#include "cairn/search/stored_file.h"

namespace cairn::search::testing {

// Of files with one block of sections (1 MiB) at most; others are left alone.
template <typename Header>
void reseal(std::vector<uint8_t>& file) {
  using namespace stored;
  constexpr size_t kOne = sizeof(uint64_t);
  if (file.size() < kHeaderBytes + kOne || file.size() - kHeaderBytes - kOne > kBlockBytes) return;
  const std::span<const uint8_t> bytes(file);
  const size_t checksums = file.size() - kOne;
  const uint64_t of_block = checksum(bytes.subspan(kHeaderBytes, checksums - kHeaderBytes));
  std::memcpy(file.data() + checksums, &of_block, sizeof(of_block));
  Header header{};
  std::memcpy(&header, file.data(), sizeof(header));
  header.checksum_of_checksums = checksum(bytes.subspan(checksums));
  header.checksum = header_checksum(header);
  std::memcpy(file.data(), &header, sizeof(header));
}

}  // namespace cairn::search::testing
