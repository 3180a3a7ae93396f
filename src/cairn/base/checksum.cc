#include "cairn/base/checksum.h"

#include "cairn/base/error.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace cairn {

struct Checksum::State {
  XXH3_state_t xxh3;
};

uint64_t checksum(std::span<const uint8_t> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Checksum::Checksum() : state_(std::make_unique<State>()) { reset(); }

Checksum::~Checksum() = default;

void Checksum::update(std::span<const uint8_t> bytes) {
  CAIRN_ASSERT(XXH3_64bits_update(&state_->xxh3, bytes.data(), bytes.size()) == XXH_OK);
}

uint64_t Checksum::value() const { return XXH3_64bits_digest(&state_->xxh3); }

void Checksum::reset() { CAIRN_ASSERT(XXH3_64bits_reset(&state_->xxh3) == XXH_OK); }

}  // namespace cairn
