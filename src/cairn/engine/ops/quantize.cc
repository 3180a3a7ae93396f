// Quantisation: to and from 8 bits, and arithmetic on 8-bit tensors.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/engine/ops/convolve.h"
#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

using Bytes8 = Types<uint8_t, int8_t>;
using QuantisedTypes = Types<uint8_t, int8_t, int32_t>;

// Scales or zero points: one for all, or one for each of `channels`.
std::vector<float> scales(const OpContext& ctx, size_t i, size_t channels) {
  const Tensor& x = ctx.input(i);
  if (x.dtype() != DType::kF32) ctx.fail("scales must be float32");
  if (x.count() != 1 && x.count() != channels) ctx.fail("a scale must be one number per channel");
  std::vector<float> values(x.data<float>(), x.data<float>() + x.count());
  values.resize(channels, values.empty() ? 0 : values[0]);
  return values;
}

std::vector<int32_t> zero_points(const OpContext& ctx, size_t i, DType type, size_t channels) {
  if (!ctx.has_input(i)) return std::vector<int32_t>(channels, 0);
  const Tensor& x = ctx.input(i);
  if (x.dtype() != type) ctx.fail("a zero point must have the type of what it belongs to");
  if (x.count() != 1 && x.count() != channels) {
    ctx.fail("a zero point must be one number per channel");
  }
  std::vector<int32_t> values(x.count());
  dispatch(ctx, type, QuantisedTypes{},
           [&]<typename T>() { std::copy_n(x.data<T>(), x.count(), values.begin()); });
  values.resize(channels, values.empty() ? 0 : values[0]);
  return values;
}

template <typename T>
T saturated(double value) {
  return convert<T>(std::nearbyint(value));
}

// The axis of per-channel scales as [channel count, elements of one channel of one row]; scales of
// one number belong to a single channel.
struct Channels {
  size_t count = 1;
  size_t inner = 1;
};

Channels channels_of(const OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Tensor& scale = ctx.input(1);
  Channels channels{1, std::max<size_t>(x.count(), 1)};
  if (scale.shape().empty() || (scale.count() == 1 && x.shape().empty())) return channels;
  if (scale.count() == 1 && !ctx.node.has_attribute("axis")) return channels;
  const size_t axis = axis_of(ctx, ctx.node.get_int("axis", 1), x.shape().size());
  channels.count = static_cast<size_t>(x.shape()[axis]);
  channels.inner = product(x.shape(), axis + 1, x.shape().size());
  return channels;
}

// round(x / scale) + zero point, ties to even, saturated.
void quantize_linear(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const DType type = ctx.has_input(2) ? ctx.input(2).dtype() : DType::kU8;
  const Channels channels = channels_of(ctx);
  const std::vector<float> scale = scales(ctx, 1, channels.count);
  const std::vector<int32_t> zero = zero_points(ctx, 2, type, channels.count);
  Tensor& y = ctx.make_output(0, type, x.shape());
  dispatch(ctx, x.dtype(), Types<float, int32_t>{}, [&]<typename From>() {
    dispatch(ctx, type, Bytes8{}, [&]<typename To>() {
      for (size_t i = 0; i < x.count(); ++i) {
        const size_t c = i / channels.inner % channels.count;
        const float steps = static_cast<float>(x.data<From>()[i]) / scale[c];
        y.data<To>()[i] = saturated<To>(std::nearbyint(steps) + zero[c]);
      }
    });
  });
}

void dequantize_linear(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Channels channels = channels_of(ctx);
  const std::vector<float> scale = scales(ctx, 1, channels.count);
  const std::vector<int32_t> zero = zero_points(ctx, 2, x.dtype(), channels.count);
  Tensor& y = ctx.make_output(0, DType::kF32, x.shape());
  dispatch(ctx, x.dtype(), QuantisedTypes{}, [&]<typename T>() {
    for (size_t i = 0; i < x.count(); ++i) {
      const size_t c = i / channels.inner % channels.count;
      const int64_t steps = int64_t{x.data<T>()[i]} - zero[c];
      y.data<float>()[i] = static_cast<float>(steps) * scale[c];
    }
  });
}

// To uint8, with scale and zero point from the range of the values (0 always in it).
void dynamic_quantize_linear(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  if (x.dtype() != DType::kF32) ctx.fail("unsupported type " + std::string(dtype_name(x.dtype())));
  float low = 0, high = 0;
  for (const float v : x.values<float>()) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  const float scale = (high - low) / 255;
  const auto zero = scale > 0 ? saturated<uint8_t>(-low / scale) : uint8_t{0};
  uint8_t* y = ctx.make_output(0, DType::kU8, x.shape()).data<uint8_t>();
  for (size_t i = 0; i < x.count(); ++i) {
    const float steps = scale > 0 ? std::nearbyint(x.data<float>()[i] / scale) : 0;
    y[i] = convert<uint8_t>(steps + static_cast<float>(zero));
  }
  if (ctx.has_output(1)) *ctx.make_output(1, DType::kF32, {}).data<float>() = scale;
  if (ctx.has_output(2)) *ctx.make_output(2, DType::kU8, {}).data<uint8_t>() = zero;
}

// An 8-bit tensor less its zero point (one, or one for each slice of `inner` elements).
std::vector<int32_t> centred(const OpContext& ctx, const Tensor& x,
                             const std::vector<int32_t>& zero, size_t inner) {
  std::vector<int32_t> values(x.count());
  dispatch(ctx, x.dtype(), Bytes8{}, [&]<typename T>() {
    for (size_t i = 0; i < x.count(); ++i) {
      values[i] = x.data<T>()[i] - zero[i / std::max<size_t>(inner, 1) % zero.size()];
    }
  });
  return values;
}

struct IntegerConvolution {
  Shape shape;
  std::vector<uint32_t> sums;  // int32 that wraps around
};

IntegerConvolution convolve_integers(const OpContext& ctx, const Tensor& x, size_t x_zero,
                                     const Tensor& weights, size_t w_zero) {
  const ConvolutionPlan plan = plan_convolution(ctx, x, weights);
  const auto channels = static_cast<size_t>(weights.dim(0));
  const std::vector<int32_t> in = centred(ctx, x, zero_points(ctx, x_zero, x.dtype(), 1), 1);
  const std::vector<int32_t> w = centred(
      ctx, weights, zero_points(ctx, w_zero, weights.dtype(), std::max<size_t>(channels, 1)),
      product(weights.shape(), 1, weights.shape().size()));
  IntegerConvolution result{plan.output, std::vector<uint32_t>(element_count(plan.output), 0)};
  if (result.sums.empty()) return result;
  const std::vector<uint32_t> u(in.begin(), in.end());
  const std::vector<uint32_t> v(w.begin(), w.end());
  convolve(plan.conv, u.data(), v.data(), result.sums.data());
  return result;
}

void conv_integer(OpContext& ctx) {
  const IntegerConvolution conv = convolve_integers(ctx, ctx.input(0), 2, ctx.input(1), 3);
  Tensor& y = ctx.make_output(0, DType::kI32, conv.shape);
  for (size_t i = 0; i < y.count(); ++i) y.data<int32_t>()[i] = static_cast<int32_t>(conv.sums[i]);
}

// Inputs: x, its scale and zero point, w, its scales and zero points, y's scale and zero point,
// int32 bias.
void qlinear_conv(OpContext& ctx) {
  const Tensor& weights = ctx.input(3);
  IntegerConvolution conv = convolve_integers(ctx, ctx.input(0), 2, weights, 5);
  const auto channels = static_cast<size_t>(conv.shape[1]);
  const DType type = ctx.input(7).dtype();
  const float x_scale = scales(ctx, 1, 1)[0];
  const std::vector<float> w_scale = scales(ctx, 4, channels);
  const float y_scale = scales(ctx, 6, 1)[0];
  const int32_t y_zero = zero_points(ctx, 7, type, 1)[0];
  const std::vector<int32_t> bias = zero_points(ctx, 8, DType::kI32, channels);
  if (ctx.has_input(8) && ctx.input(8).count() != channels) ctx.fail("the bias does not fit");
  const size_t plane = product(conv.shape, 2, conv.shape.size());
  Tensor& y = ctx.make_output(0, type, conv.shape);
  dispatch(ctx, type, Bytes8{}, [&]<typename T>() {
    for (size_t i = 0; i < y.count(); ++i) {
      const size_t c = i / plane % channels;
      const auto sum = static_cast<int32_t>(conv.sums[i] + static_cast<uint32_t>(bias[c]));
      const double factor = static_cast<double>(x_scale) * w_scale[c] / y_scale;
      y.data<T>()[i] = saturated<T>(std::nearbyint(sum * factor) + y_zero);
    }
  });
}

struct IntegerProduct {
  Shape shape;
  std::vector<int32_t> sums;
};

// NumPy's matmul of matrices with equal or no leading axes on the right.
IntegerProduct multiply_integers(const OpContext& ctx, const Tensor& a, size_t a_zero,
                                 const Tensor& b, size_t b_zero) {
  expect_rank_at_least(ctx, a, 2);
  expect_rank_at_least(ctx, b, 2);
  const Shape a_batch(a.shape().begin(), a.shape().end() - 2);
  const Shape b_batch(b.shape().begin(), b.shape().end() - 2);
  const auto m = static_cast<size_t>(a.shape()[a_batch.size()]);
  const auto k = static_cast<size_t>(a.shape().back());
  const auto n = static_cast<size_t>(b.shape().back());
  if (b.shape()[b_batch.size()] != a.shape().back() || (!b_batch.empty() && a_batch != b_batch)) {
    ctx.fail("unsupported shapes " + to_string(a.shape()) + " and " + to_string(b.shape()));
  }
  const std::vector<int32_t> u = centred(ctx, a, zero_points(ctx, a_zero, a.dtype(), 1), 1);
  const std::vector<int32_t> v =
      centred(ctx, b, zero_points(ctx, b_zero, b.dtype(), std::max<size_t>(n, 1)), 1);
  IntegerProduct result;
  result.shape = a_batch;
  result.shape.insert(result.shape.end(), {static_cast<int64_t>(m), static_cast<int64_t>(n)});
  result.sums.resize(element_count(result.shape));
  for (size_t i = 0; i < result.sums.size(); ++i) {
    const size_t row = i / n;
    const int32_t* left = u.data() + row * k;
    const int32_t* right = v.data() + (b_batch.empty() ? 0 : row / m * k * n) + i % n;
    uint32_t sum = 0;
    for (size_t p = 0; p < k; ++p) sum += static_cast<uint32_t>(left[p] * right[p * n]);
    result.sums[i] = static_cast<int32_t>(sum);
  }
  return result;
}

void mat_mul_integer(OpContext& ctx) {
  const IntegerProduct result = multiply_integers(ctx, ctx.input(0), 2, ctx.input(1), 3);
  Tensor& y = ctx.make_output(0, DType::kI32, result.shape);
  std::copy(result.sums.begin(), result.sums.end(), y.data<int32_t>());
}

void qlinear_mat_mul(OpContext& ctx) {
  const IntegerProduct result = multiply_integers(ctx, ctx.input(0), 2, ctx.input(3), 5);
  const auto columns = static_cast<size_t>(result.shape.back());
  const DType type = ctx.input(7).dtype();
  const float a_scale = scales(ctx, 1, 1)[0];
  const std::vector<float> b_scale = scales(ctx, 4, std::max<size_t>(columns, 1));
  const float y_scale = scales(ctx, 6, 1)[0];
  const int32_t y_zero = zero_points(ctx, 7, type, 1)[0];
  Tensor& y = ctx.make_output(0, type, result.shape);
  dispatch(ctx, type, Bytes8{}, [&]<typename T>() {
    for (size_t i = 0; i < y.count(); ++i) {
      const double factor = static_cast<double>(a_scale) * b_scale[i % columns] / y_scale;
      y.data<T>()[i] = saturated<T>(std::nearbyint(result.sums[i] * factor) + y_zero);
    }
  });
}

}  // namespace

std::vector<OpEntry> quantize_ops() {
  const std::vector<std::string_view> conv{"auto_pad",     "dilations", "group",
                                           "kernel_shape", "pads",      "strides"};
  return {
      {"QuantizeLinear", {quantize_linear, 10, 17, {"axis"}}},
      {"DequantizeLinear", {dequantize_linear, 10, 17, {"axis"}}},
      {"DynamicQuantizeLinear", {dynamic_quantize_linear, 11}},
      {"ConvInteger", {conv_integer, 10, 17, conv}},
      {"QLinearConv", {qlinear_conv, 10, 17, conv}},
      {"MatMulInteger", {mat_mul_integer, 10}},
      {"QLinearMatMul", {qlinear_mat_mul, 10}},
  };
}

}  // namespace cairn::engine::ops
