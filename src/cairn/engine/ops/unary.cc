// Element by element, without parameters.
#include <cmath>
#include <limits>

#include "cairn/engine/ops/families.h"
#include "cairn/engine/ops/map.h"

namespace cairn::engine::ops {

namespace {

// x < 0 ? -1 : x > 0 ? 1 : 0, and NaN stays NaN.
template <typename T>
T sign_of(T v) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(v)) return v;
  }
  return static_cast<T>(static_cast<int>(v > T(0)) - static_cast<int>(v < T(0)));
}

template <typename T>
T absolute(T v) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::abs(v);
  } else {
    return v < T(0) ? wrapping_sub(T(0), v) : v;
  }
}

// Ties to even whatever the rounding mode: ONNX Round.
template <typename T>
T round_even(T v) {
  const T down = std::floor(v);
  const T rest = v - down;
  if (rest != T(0.5)) return std::round(v);
  return std::fmod(down, T(2)) == T(0) ? down : down + T(1);
}

void is_inf(OpContext& ctx) {
  const bool positive = ctx.node.get_int("detect_positive", 1) != 0;
  const bool negative = ctx.node.get_int("detect_negative", 1) != 0;
  map_to<Bool>(ctx, Floats{},
               [=](auto v) { return std::isinf(v) && (v > 0 ? positive : negative); });
}

}  // namespace

std::vector<OpEntry> unary_ops() {
  return {
      {"Abs", {[](OpContext& c) { map(c, Numbers{}, [](auto v) { return absolute(v); }); }}},
      {"Neg", {[](OpContext& c) {
         map(c, Signed{}, [](auto v) {
           if constexpr (std::is_integral_v<decltype(v)>) {
             return wrapping_sub(decltype(v)(0), v);
           } else {
             return -v;
           }
         });
       }}},
      {"Sign", {[](OpContext& c) { map(c, Numbers{}, [](auto v) { return sign_of(v); }); }, 9}},
      {"Ceil", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::ceil(v); }); }}},
      {"Floor", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::floor(v); }); }}},
      {"Round", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return round_even(v); }); }, 11}},
      {"Exp", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::exp(v); }); }}},
      {"Log", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::log(v); }); }}},
      {"Sqrt", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::sqrt(v); }); }}},
      {"Reciprocal",
       {[](OpContext& c) { map(c, Floats{}, [](auto v) { return decltype(v)(1) / v; }); }}},
      {"Erf", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::erf(v); }); }, 9}},
      {"Sin", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::sin(v); }); }, 7}},
      {"Cos", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::cos(v); }); }, 7}},
      {"Tan", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::tan(v); }); }, 7}},
      {"Asin", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::asin(v); }); }, 7}},
      {"Acos", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::acos(v); }); }, 7}},
      {"Atan", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::atan(v); }); }, 7}},
      {"Sinh", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::sinh(v); }); }, 9}},
      {"Cosh", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::cosh(v); }); }, 9}},
      {"Tanh", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::tanh(v); }); }}},
      {"Asinh", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::asinh(v); }); }, 9}},
      {"Acosh", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::acosh(v); }); }, 9}},
      {"Atanh", {[](OpContext& c) { map(c, Floats{}, [](auto v) { return std::atanh(v); }); }, 9}},
      {"Not", {[](OpContext& c) { map_to<Bool>(c, Types<Bool>{}, [](auto v) { return !v; }); }}},
      {"IsNaN",
       {[](OpContext& c) { map_to<Bool>(c, Floats{}, [](auto v) { return std::isnan(v); }); }, 9}},
      {"IsInf", {is_inf, 10, 17, {"detect_negative", "detect_positive"}}},
  };
}

}  // namespace cairn::engine::ops
