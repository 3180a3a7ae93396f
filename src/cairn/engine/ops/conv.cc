// Conv and ConvTranspose.
#include "cairn/engine/ops/convolve.h"
#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

void check_operands(const OpContext& ctx, const Tensor& x, const Tensor& weights, int64_t group) {
  expect_rank_at_least(ctx, x, 3);
  if (weights.shape().size() != x.shape().size()) {
    ctx.fail("weights of shape " + to_string(weights.shape()) + " do not fit an input of shape " +
             to_string(x.shape()));
  }
  if (group < 1 || x.dim(1) % group != 0 || weights.dim(0) % group != 0) {
    ctx.fail("group " + std::to_string(group) + " does not divide the channels");
  }
}

// Tensors as arrays of what they are computed in.
template <typename T>
std::vector<Compute<T>> widened(const Tensor& x) {
  return {x.data<T>(), x.data<T>() + x.count()};
}

// Fills y [batch, channels, plane …] with the bias (input 2), or zeros.
template <typename T>
void fill_bias(const OpContext& ctx, const Tensor& like, size_t batch, size_t channels,
               size_t plane, Compute<T>* y) {
  const T* bias = nullptr;
  if (ctx.has_input(2)) {
    expect_same_type(ctx, like, ctx.input(2));
    if (ctx.input(2).count() != channels) ctx.fail("the bias must have a number per channel");
    bias = ctx.input(2).data<T>();
  }
  for (size_t i = 0; i < batch * channels; ++i) {
    std::fill_n(y + i * plane, plane, bias ? Compute<T>(bias[i % channels]) : Compute<T>(0));
  }
}

// Shared by both directions: f32 and f64 in place, f16 through float copies.
template <bool kTransposed>
void run(OpContext& ctx, const ConvolutionPlan& plan) {
  const Tensor& x = ctx.input(0);
  const Tensor& weights = ctx.input(1);
  expect_same_type(ctx, x, weights);
  Tensor& y = ctx.make_output(0, x.dtype(), plan.output);
  if (y.count() == 0) return;
  const size_t plane = product(plan.output, 2, plan.output.size());
  const auto kernel = [&]<typename C>(const C* in, const C* w, C* out) {
    if constexpr (kTransposed) {
      convolve_transposed(plan.conv, in, w, out);
    } else {
      convolve(plan.conv, in, w, out);
    }
  };
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    const auto channels = static_cast<size_t>(plan.output[1]);
    if constexpr (std::is_same_v<T, Half>) {
      std::vector<float> sums(y.count());
      fill_bias<T>(ctx, x, plan.conv.batch, channels, plane, sums.data());
      kernel(widened<T>(x).data(), widened<T>(weights).data(), sums.data());
      std::copy(sums.begin(), sums.end(), y.data<T>());
    } else {
      fill_bias<T>(ctx, x, plan.conv.batch, channels, plane, y.data<T>());
      kernel(x.data<T>(), weights.data<T>(), y.data<T>());
    }
  });
}

void conv(OpContext& ctx) { run<false>(ctx, plan_convolution(ctx, ctx.input(0), ctx.input(1))); }

void conv_transpose(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Tensor& weights = ctx.input(1);
  const int64_t group = ctx.node.get_int("group", 1);
  check_operands(ctx, x, weights, group);
  if (weights.dim(0) != x.dim(1)) ctx.fail("the weights do not fit the input's channels");
  const Window window = read_transposed_window(ctx, x.shape(), spatial(weights.shape()));
  ConvolutionPlan plan;
  plan.output = {x.dim(0), checked_mul(ctx, weights.dim(1), group)};
  plan.output.insert(plan.output.end(), window.output.begin(), window.output.end());
  plan.conv = {static_cast<size_t>(x.dim(0)), static_cast<size_t>(group),
               static_cast<size_t>(x.dim(1) / group), static_cast<size_t>(weights.dim(1)),
               Taps{spatial(x.shape()), window.output, window.kernel, window.strides,
                    window.dilations, window.pads_begin}};
  run<true>(ctx, plan);
}

}  // namespace

ConvolutionPlan plan_convolution(const OpContext& ctx, const Tensor& x, const Tensor& weights) {
  const int64_t group = ctx.node.get_int("group", 1);
  check_operands(ctx, x, weights, group);
  if (weights.dim(1) != x.dim(1) / group) {
    ctx.fail("weights of shape " + to_string(weights.shape()) + " do not fit " +
             std::to_string(x.dim(1)) + " channels in " + std::to_string(group) + " groups");
  }
  const Window window = read_window(ctx, x.shape(), spatial(weights.shape()));
  ConvolutionPlan plan;
  plan.output = {x.dim(0), weights.dim(0)};
  plan.output.insert(plan.output.end(), window.output.begin(), window.output.end());
  plan.conv = {static_cast<size_t>(x.dim(0)), static_cast<size_t>(group),
               static_cast<size_t>(weights.dim(1)), static_cast<size_t>(weights.dim(0) / group),
               Taps{window.output, spatial(x.shape()), window.kernel, window.strides,
                    window.dilations, window.pads_begin}};
  return plan;
}

std::vector<OpEntry> conv_ops() {
  const std::vector<std::string_view> attributes{"auto_pad",     "dilations", "group",
                                                 "kernel_shape", "pads",      "strides"};
  std::vector<std::string_view> transposed = attributes;
  transposed.insert(transposed.end(), {"output_padding", "output_shape"});
  return {{"Conv", {conv, 1, 17, attributes}},
          {"ConvTranspose", {conv_transpose, 1, 17, transposed}}};
}

}  // namespace cairn::engine::ops
