// Work in equal parts.
#pragma once

#include <cstdint>

namespace cairn {

// Things begin ≤ i < end.
struct Slice {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
};

// Part 0 … parts-1 of `count` things: consecutive, sizes at most one apart.
inline Slice slice_of(int64_t count, int part, int parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

}  // namespace cairn
