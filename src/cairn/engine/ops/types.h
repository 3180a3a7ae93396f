// Element types of the operators: float16 and bool as C++ types, type lists, and the one dispatch
// from a tensor's dtype to a template.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "cairn/engine/op.h"

namespace cairn::engine::ops {

// IEEE 754 binary16 in memory; arithmetic happens in float.
struct Half {
  uint16_t bits = 0;

  Half() = default;
  Half(float value);   // NOLINT: implicit by design
  Half(double value);  // NOLINT: implicit by design
  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  Half(T value) : Half(static_cast<double>(value)) {}  // NOLINT: implicit by design
  operator float() const;                              // NOLINT: implicit by design
};

// A bool in memory. Files may hold any byte: everything but 0 is true.
struct Bool {
  uint8_t byte = 0;

  Bool() = default;
  Bool(bool value) : byte(value ? 1 : 0) {}    // NOLINT: implicit by design
  operator bool() const { return byte != 0; }  // NOLINT: implicit by design
};

// N opaque bytes, for operators that only move elements.
template <size_t N>
struct Bytes {
  std::byte bytes[N];
};

template <typename... Ts>
struct Types {};

using Floats = Types<float, double, Half>;
using Signed = Types<float, double, Half, int8_t, int16_t, int32_t, int64_t>;
using Integers = Types<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>;
using Unsigned = Types<uint8_t, uint16_t, uint32_t, uint64_t>;
using Indices = Types<int32_t, int64_t>;
using Numbers = Types<float, double, Half, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                      uint32_t, uint64_t>;
using AnyType = Types<float, double, Half, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                      uint32_t, uint64_t, Bool>;

template <typename T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::kF32;
  if constexpr (std::is_same_v<T, double>) return DType::kF64;
  if constexpr (std::is_same_v<T, Half>) return DType::kF16;
  if constexpr (std::is_same_v<T, int8_t>) return DType::kI8;
  if constexpr (std::is_same_v<T, uint8_t>) return DType::kU8;
  if constexpr (std::is_same_v<T, int16_t>) return DType::kI16;
  if constexpr (std::is_same_v<T, uint16_t>) return DType::kU16;
  if constexpr (std::is_same_v<T, int32_t>) return DType::kI32;
  if constexpr (std::is_same_v<T, int64_t>) return DType::kI64;
  if constexpr (std::is_same_v<T, uint32_t>) return DType::kU32;
  if constexpr (std::is_same_v<T, uint64_t>) return DType::kU64;
  if constexpr (std::is_same_v<T, Bool>) return DType::kBool;
}

// What an element is computed in: float for Half, itself otherwise.
template <typename T>
using Compute = std::conditional_t<std::is_same_v<T, Half>, float, T>;

// What sums of an element are kept in: float and Half sum in double, integers wrap in their type.
template <typename T>
using Accumulator =
    std::conditional_t<std::is_same_v<T, float> || std::is_same_v<T, Half>, double, T>;

// Calls body.operator()<T>() for the T of the list that is the dtype; the "unsupported type" Error
// where the list has none.
template <typename... Ts, typename Body>
void dispatch(const OpContext& ctx, DType type, Types<Ts...> /*list*/, Body&& body) {
  const bool done =
      ((dtype_of<Ts>() == type ? (body.template operator()<Ts>(), true) : false) || ...);
  if (!done) ctx.fail(std::string("unsupported type ") + dtype_name(type));
}

// Calls body.operator()<Bytes<N>>() for the size of the elements: for operators that only move.
template <typename Body>
void dispatch_size(DType type, Body&& body) {
  switch (element_size(type)) {
    case 1:
      return body.template operator()<Bytes<1>>();
    case 2:
      return body.template operator()<Bytes<2>>();
    case 4:
      return body.template operator()<Bytes<4>>();
    default:
      return body.template operator()<Bytes<8>>();
  }
}

// Integer arithmetic wraps around, as everywhere in ONNX; in unsigned 64 bits, where C++ says so.
template <typename T>
T wrapping_add(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}
template <typename T>
T wrapping_sub(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  } else {
    return a - b;
  }
}
template <typename T>
T wrapping_mul(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else {
    return a * b;
  }
}

// From one number type to another: integers wrap, floats to integers round towards zero and
// saturate, NaN becomes 0; to bool means "is not zero".
template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<From, Half>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<From, Bool>) {
    return To(static_cast<uint8_t>(static_cast<bool>(value)));
  } else if constexpr (std::is_same_v<To, Bool>) {
    return Bool(value != From(0));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::isnan(value)) return 0;
    // 2^digits is exact in every float type; the largest To may not be.
    const From bound = std::ldexp(From(1), std::numeric_limits<To>::digits);
    if (value >= bound) return std::numeric_limits<To>::max();
    if (value <= (std::is_signed_v<To> ? -bound : From(0))) return std::numeric_limits<To>::min();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace cairn::engine::ops
