// Activations: element by element, with parameters.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/engine/ops/families.h"
#include "cairn/engine/ops/map.h"

namespace cairn::engine::ops {

namespace {

void relu(OpContext& ctx) {
  map(ctx, Signed{}, [](auto v) { return v < decltype(v)(0) ? decltype(v)(0) : v; });
}

void leaky_relu(OpContext& ctx) {
  const float alpha = ctx.node.get_float("alpha", 0.01F);
  map(ctx, Floats{}, [=](auto v) { return v < 0 ? static_cast<decltype(v)>(alpha) * v : v; });
}

void elu(OpContext& ctx) {
  const float alpha = ctx.node.get_float("alpha", 1.0F);
  map(ctx, Floats{}, [=](auto v) { return v < 0 ? alpha * std::expm1(v) : v; });
}

void selu(OpContext& ctx) {
  const float alpha = ctx.node.get_float("alpha", 1.67326319217681884765625F);
  const float gamma = ctx.node.get_float("gamma", 1.05070102214813232421875F);
  map(ctx, Floats{}, [=](auto v) { return gamma * (v > 0 ? v : alpha * std::expm1(v)); });
}

void celu(OpContext& ctx) {
  const float alpha = ctx.node.get_float("alpha", 1.0F);
  map(ctx, Floats{}, [=](auto v) { return v > 0 ? v : alpha * std::expm1(v / alpha); });
}

void thresholded_relu(OpContext& ctx) {
  const float alpha = ctx.node.get_float("alpha", 1.0F);
  map(ctx, Floats{}, [=](auto v) { return v > alpha ? v : decltype(v)(0); });
}

template <typename T>
T unit_clamp(T v) {
  return std::clamp(v, T(0), T(1));
}

void hard_sigmoid(OpContext& ctx) {
  const float alpha = ctx.node.get_float("alpha", 0.2F);
  const float beta = ctx.node.get_float("beta", 0.5F);
  map(ctx, Floats{}, [=](auto v) { return unit_clamp<decltype(v)>(alpha * v + beta); });
}

void hard_swish(OpContext& ctx) {
  map(ctx, Floats{}, [](auto v) {
    using T = decltype(v);
    return v * unit_clamp<T>(v / T(6) + T(0.5));
  });
}

void sigmoid(OpContext& ctx) {
  map(ctx, Floats{}, [](auto v) {
    using T = decltype(v);
    return T(1) / (T(1) + std::exp(-v));
  });
}

// log(1 + e^v) without overflow.
void softplus(OpContext& ctx) {
  map(ctx, Floats{},
      [](auto v) { return std::max(v, decltype(v)(0)) + std::log1p(std::exp(-std::abs(v))); });
}

void softsign(OpContext& ctx) {
  map(ctx, Floats{}, [](auto v) { return v / (decltype(v)(1) + std::abs(v)); });
}

void shrink(OpContext& ctx) {
  const double bias = ctx.node.get_float("bias", 0.0F);
  const double lambda = ctx.node.get_float("lambd", 0.5F);
  map(ctx, Numbers{}, [=](auto v) {
    const auto value = static_cast<double>(v);
    const double result = value < -lambda ? value + bias : value > lambda ? value - bias : 0.0;
    return convert<decltype(v)>(result);
  });
}

// Clip's limits are attributes before opset 11 and inputs of the same type since.
void clip(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  dispatch(ctx, x.dtype(), Numbers{}, [&]<typename T>() {
    using C = Compute<T>;
    C low = std::numeric_limits<C>::lowest();
    C high = std::numeric_limits<C>::max();
    if constexpr (std::is_floating_point_v<C>) {
      low = -std::numeric_limits<C>::infinity();
      high = std::numeric_limits<C>::infinity();
    }
    const auto limit = [&](size_t i, const char* key, C& value) {
      if (ctx.opset < 11 && ctx.node.has_attribute(key)) {
        value = convert<C>(ctx.node.get_float(key, 0));
      } else if (ctx.opset >= 11 && ctx.has_input(i)) {
        expect_same_type(ctx, x, ctx.input(i));
        if (ctx.input(i).count() != 1) ctx.fail("a limit must be one number");
        value = C(*ctx.input(i).data<T>());
      }
    };
    limit(1, "min", low);
    limit(2, "max", high);
    const T* in = x.data<T>();
    T* out = ctx.make_output(0, x.dtype(), x.shape()).template data<T>();
    // In this order: where low exceeds high, high wins.
    for (size_t i = 0; i < x.count(); ++i) {
      const C v = C(in[i]) < low ? low : C(in[i]);
      out[i] = static_cast<T>(v > high ? high : v);
    }
  });
}

// PRelu's slope broadcasts to x; before opset 7, a slope for each channel (axis 1).
void prelu(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Tensor& slope = ctx.input(1);
  expect_same_type(ctx, x, slope);
  Shape slope_shape = slope.shape();
  if (ctx.opset < 7 && slope_shape.size() == 1 && x.shape().size() > 2 && slope_shape[0] != 1) {
    slope_shape.resize(x.shape().size() - 1, 1);
  }
  if (broadcast(ctx, std::array{x.shape(), slope_shape}) != x.shape()) {
    ctx.fail("slope of shape " + to_string(slope.shape()) + " does not broadcast to " +
             to_string(x.shape()));
  }
  Tensor& y = ctx.make_output(0, x.dtype(), x.shape());
  const BroadcastWalk<2> walk(x.shape(), {x.shape(), slope_shape});
  dispatch(ctx, x.dtype(), Signed{}, [&]<typename T>() {
    using C = Compute<T>;
    walk.for_each_row([&](size_t out, const std::array<size_t, 2>& in, size_t length) {
      const T* v = x.data<T>() + in[0];
      const T* s = slope.data<T>() + in[1];
      T* result = y.data<T>() + out;
      for (size_t i = 0; i < length; ++i) {
        const C value = C(v[i * walk.step(0)]);
        result[i] =
            static_cast<T>(value < C(0) ? wrapping_mul(value, C(s[i * walk.step(1)])) : value);
      }
    });
  });
}

}  // namespace

std::vector<OpEntry> activation_ops() {
  return {
      {"Relu", {relu}},
      {"LeakyRelu", {leaky_relu, 6, 17, {"alpha"}}},
      {"PRelu", {prelu}},
      {"Elu", {elu, 6, 17, {"alpha"}}},
      {"Selu", {selu, 6, 17, {"alpha", "gamma"}}},
      {"Celu", {celu, 12, 17, {"alpha"}}},
      {"ThresholdedRelu", {thresholded_relu, 10, 17, {"alpha"}}},
      {"HardSigmoid", {hard_sigmoid, 6, 17, {"alpha", "beta"}}},
      {"HardSwish", {hard_swish, 14}},
      {"Sigmoid", {sigmoid}},
      {"Softplus", {softplus}},
      {"Softsign", {softsign}},
      {"Shrink", {shrink, 9, 17, {"bias", "lambd"}}},
      {"Clip", {clip, 6, 17, {"min", "max"}}},
  };
}

}  // namespace cairn::engine::ops
