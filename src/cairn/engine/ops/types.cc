#include "cairn/engine/ops/types.h"

#include <limits>

namespace cairn::engine::ops {

namespace {

// Round to nearest, ties to even.
uint16_t half_bits(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000U);
  const uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return sign | 0x7e00U;   // NaN
  if (magnitude >= 0x47800000U) return sign | 0x7c00U;  // from 65536: infinity
  if (magnitude < 0x38800000U) {
    // Below 2^-14: a multiple of 2^-24. Adding 0.5 puts those bits at the end of a float, rounded.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(shifted) - 0x3f000000U);
  }
  // Rebias the exponent by 127 - 15, then round away 13 bits; a carry goes rightly into the
  // exponent, up to infinity.
  const uint32_t rebiased = magnitude - (112U << 23);
  const uint32_t odd = (rebiased >> 13) & 1U;
  return sign | static_cast<uint16_t>((rebiased + 0xfffU + odd) >> 13);
}

// A float that rounds to the same Half as the double: rounded to odd, so that no tie is invented.
float round_to_odd(double value) {
  auto rounded = static_cast<float>(value);
  if (!std::isfinite(rounded) || static_cast<double>(rounded) == value) return rounded;
  if (std::abs(static_cast<double>(rounded)) > std::abs(value)) {
    rounded = std::nextafter(rounded, 0.0F);
  }
  return std::bit_cast<float>(std::bit_cast<uint32_t>(rounded) | 1U);
}

}  // namespace

Half::Half(float value) : bits(half_bits(value)) {}

Half::Half(double value)
    : bits(half_bits(std::abs(value) > std::numeric_limits<float>::max()
                         ? static_cast<float>(std::copysign(INFINITY, value))
                         : round_to_odd(value))) {}

Half::operator float() const {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000U) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fU;
  const uint32_t mantissa = bits & 0x3ffU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

}  // namespace cairn::engine::ops
