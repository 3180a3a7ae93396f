// Brain floating point: the upper half of a float32.
#pragma once

#include <bit>
#include <cstdint>

namespace cairn::engine::kernels {

struct Bf16 {
  uint16_t bits = 0;
};

inline float to_float(Bf16 x) { return std::bit_cast<float>(uint32_t{x.bits} << 16); }

// To the nearest, of two equally near ones to the even one.
inline Bf16 to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (x != x) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)};
}

}  // namespace cairn::engine::kernels
