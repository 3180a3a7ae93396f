// Arithmetic on two or more broadcast inputs.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/engine/ops/families.h"
#include "cairn/engine/ops/zip.h"

namespace cairn::engine::ops {

Shape second_shape(const OpContext& ctx) {
  Shape shape = ctx.input(1).shape();
  const bool has_axis = ctx.node.has_attribute("axis");
  if (ctx.opset >= 7) {
    if (has_axis || ctx.node.has_attribute("broadcast")) {
      ctx.fail("attributes \"axis\" and \"broadcast\" ended with opset 6");
    }
    return shape;
  }
  const size_t rank = ctx.input(0).shape().size();
  if (!has_axis || rank == 0) return shape;
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", 0), rank);
  if (axis + shape.size() > rank) ctx.fail("input 1 does not fit at the attribute \"axis\"");
  shape.resize(rank - axis, 1);
  return shape;
}

namespace {

void add(OpContext& ctx) {
  zip<void>(ctx, Numbers{}, [](auto a, auto b) { return wrapping_add(a, b); });
}
void sub(OpContext& ctx) {
  zip<void>(ctx, Numbers{}, [](auto a, auto b) { return wrapping_sub(a, b); });
}
void mul(OpContext& ctx) {
  zip<void>(ctx, Numbers{}, [](auto a, auto b) { return wrapping_mul(a, b); });
}

// Integer division rounds towards zero; the smallest number by -1 wraps around.
void div(OpContext& ctx) {
  zip<void>(ctx, Numbers{}, [&ctx](auto a, auto b) {
    using T = decltype(a);
    if constexpr (std::is_integral_v<T>) {
      if (b == 0) ctx.fail("integer division by zero");
      if constexpr (std::is_signed_v<T>) {
        if (b == T(-1)) return wrapping_sub(T(0), a);
      }
      return static_cast<T>(a / b);
    } else {
      return a / b;
    }
  });
}

// fmod = 1: the sign of the dividend, as in C; 0: the sign of the divisor, for integers alone.
void mod(OpContext& ctx) {
  const bool as_c = ctx.node.get_int("fmod", 0) != 0;
  zip<void>(ctx, Numbers{}, [&ctx, as_c](auto a, auto b) {
    using T = decltype(a);
    if constexpr (std::is_integral_v<T>) {
      if (b == 0) ctx.fail("integer division by zero");
      if constexpr (std::is_signed_v<T>) {
        if (b == T(-1)) return T(0);
        const T rest = static_cast<T>(a % b);
        return !as_c && rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
      } else {
        return static_cast<T>(a % b);
      }
    } else {
      if (!as_c) ctx.fail("floating-point Mod needs the attribute fmod = 1");
      return static_cast<T>(std::fmod(a, b));
    }
  });
}

// Shifting out all bits leaves 0.
void bit_shift(OpContext& ctx) {
  const std::string direction = ctx.node.get_string("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") {
    ctx.fail("attribute \"direction\" must be LEFT or RIGHT, not \"" + direction + "\"");
  }
  const bool left = direction == "LEFT";
  zip<void>(ctx, Unsigned{}, [left](auto a, auto b) {
    using T = decltype(a);
    if (b >= static_cast<T>(std::numeric_limits<T>::digits)) return T(0);
    const auto wide = static_cast<uint64_t>(a);
    return static_cast<T>(left ? wide << b : wide >> b);
  });
}

template <typename Base, typename Exponent>
Base integer_power(Base base, Exponent exponent) {
  if constexpr (std::is_signed_v<Exponent>) {
    if (exponent < 0) {
      // 1 / base^|exponent|, rounded towards zero.
      if (base == Base(1)) return 1;
      if constexpr (std::is_signed_v<Base>) {
        if (base == Base(-1)) return exponent % 2 == 0 ? Base(1) : Base(-1);
      }
      return 0;
    }
  }
  Base result = 1;
  for (auto rest = static_cast<std::make_unsigned_t<Exponent>>(exponent); rest > 0; rest >>= 1) {
    if (rest & 1) result = wrapping_mul(result, base);
    base = wrapping_mul(base, base);
  }
  return result;
}

// The result has the type of the base.
template <typename Base, typename Exponent>
Base power(Base base, Exponent exponent) {
  if constexpr (std::is_integral_v<Base> && std::is_integral_v<Exponent>) {
    return integer_power(base, exponent);
  } else if constexpr (std::is_same_v<Base, float> && std::is_same_v<Exponent, float>) {
    return exponent == 2.0F ? base * base : std::pow(base, exponent);
  } else {
    return convert<Base>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
}

void pow(OpContext& ctx) {
  const Tensor& a = ctx.input(0);
  const Tensor& b = ctx.input(1);
  const Shape b_shape = second_shape(ctx);
  const Shape shape = broadcast(ctx, std::array{a.shape(), b_shape});
  using Bases = Types<float, double, Half, int32_t, int64_t>;
  dispatch(ctx, a.dtype(), Bases{}, [&]<typename A>() {
    dispatch(ctx, b.dtype(), Numbers{}, [&]<typename B>() {
      Tensor& output = ctx.make_output(0, a.dtype(), shape);
      zip_rows<A, B, A>(a, b, b_shape, output, [](auto u, auto v) { return power(u, v); });
    });
  });
}

// Any number of inputs, folded from the left: output = f(f(input 0, input 1), input 2) …
template <typename List, typename F>
void fold(OpContext& ctx, List list, F f) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < ctx.input_count(); ++i) shapes.push_back(ctx.input(i).shape());
  const Tensor& first = ctx.input(0);
  Tensor& output = ctx.make_output(0, first.dtype(), broadcast(ctx, shapes));
  dispatch(ctx, first.dtype(), list, [&]<typename T>() {
    T* result = output.data<T>();
    for (size_t k = 0; k < shapes.size(); ++k) {
      expect_same_type(ctx, first, ctx.input(k));
      const T* values = ctx.input(k).data<T>();
      const BroadcastWalk<1> walk(output.shape(), {shapes[k]});
      walk.for_each_row([&](size_t at, const std::array<size_t, 1>& in, size_t length) {
        const T* v = values + in[0];
        T* out = result + at;
        for (size_t i = 0; i < length; ++i) {
          const auto value = Compute<T>(v[i * walk.step(0)]);
          out[i] = static_cast<T>(k == 0 ? value : f(Compute<T>(out[i]), value));
        }
      });
    }
  });
}

template <typename T>
bool is_nan(T v) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::isnan(v);
  } else {
    return false;
  }
}

void max(OpContext& ctx) {
  fold(ctx, Numbers{}, [](auto a, auto b) { return a > b || is_nan(a) ? a : b; });
}
void min(OpContext& ctx) {
  fold(ctx, Numbers{}, [](auto a, auto b) { return a < b || is_nan(a) ? a : b; });
}
void sum(OpContext& ctx) {
  fold(ctx, Floats{}, [](auto a, auto b) { return a + b; });
}

void mean(OpContext& ctx) {
  sum(ctx);
  Tensor& output = ctx.outputs[0];
  dispatch(ctx, output.dtype(), Floats{}, [&]<typename T>() {
    T* out = output.data<T>();
    const auto count = static_cast<Compute<T>>(ctx.input_count());
    for (size_t i = 0; i < output.count(); ++i) out[i] = T(Compute<T>(out[i]) / count);
  });
}

}  // namespace

std::vector<OpEntry> binary_ops() {
  return {
      {"Add", {add, 6, 17, {"axis", "broadcast"}}},
      {"Sub", {sub, 6, 17, {"axis", "broadcast"}}},
      {"Mul", {mul, 6, 17, {"axis", "broadcast"}}},
      {"Div", {div, 6, 17, {"axis", "broadcast"}}},
      {"Pow", {pow, 1, 17, {"axis", "broadcast"}}},
      {"Mod", {mod, 10, 17, {"fmod"}}},
      {"BitShift", {bit_shift, 11, 17, {"direction"}}},
      {"Max", {max, 6}},
      {"Min", {min, 6}},
      {"Sum", {sum, 6}},
      {"Mean", {mean, 6}},
  };
}

}  // namespace cairn::engine::ops
