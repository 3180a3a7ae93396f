// Checksums against damage (not against forgery), as fast as memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace cairn {

// XXH3, 64 bits (`xxhsum -H3`).
uint64_t checksum(std::span<const uint8_t> bytes);

// The same of bytes that come piece by piece.
class Checksum {
 public:
  Checksum();
  ~Checksum();
  void update(std::span<const uint8_t> bytes);
  uint64_t value() const;  // of all bytes so far
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cairn
