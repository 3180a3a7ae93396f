// Resize and Upsample.
#include <algorithm>
#include <cmath>
#include <utility>

#include "cairn/engine/ops/families.h"
#include "cairn/engine/ops/strided.h"

namespace cairn::engine::ops {

namespace {

enum class Mode { kNearest, kLinear, kCubic };

struct Settings {
  Mode mode = Mode::kNearest;
  std::string coordinates;  // coordinate_transformation_mode
  std::string nearest;      // nearest_mode
  double cubic = -0.75;
  bool exclude_outside = false;
  float extrapolation = 0;
  bool crops() const { return coordinates == "tf_crop_and_resize"; }
};

// How one axis is resized.
struct Axis {
  int64_t in = 1;
  int64_t out = 1;
  double scale = 1;
  double start = 0;  // of the region of interest, as a fraction
  double end = 1;
};

Settings read_settings(const OpContext& ctx) {
  Settings settings;
  const std::string mode = ctx.node.get_string("mode", "nearest");
  if (mode == "linear" || mode == "bilinear") {
    settings.mode = Mode::kLinear;
  } else if (mode == "cubic") {
    settings.mode = Mode::kCubic;
  } else if (mode != "nearest") {
    ctx.fail("unsupported mode \"" + mode + "\"");
  }
  // Before opset 11 (and in Upsample) there was one way.
  const bool old = ctx.opset < 11;
  settings.coordinates =
      old ? "asymmetric" : ctx.node.get_string("coordinate_transformation_mode", "half_pixel");
  settings.nearest = old ? "floor" : ctx.node.get_string("nearest_mode", "round_prefer_floor");
  settings.cubic = ctx.node.get_float("cubic_coeff_a", -0.75F);
  settings.exclude_outside = ctx.node.get_int("exclude_outside", 0) != 0;
  settings.extrapolation = ctx.node.get_float("extrapolation_value", 0.0F);
  return settings;
}

// Where output position x lies in the input.
double source_of(const OpContext& ctx, const Settings& settings, const Axis& axis, int64_t x) {
  const auto at = static_cast<double>(x);
  const std::string& mode = settings.coordinates;
  const auto last = static_cast<double>(axis.in - 1);
  if (mode == "half_pixel") return (at + 0.5) / axis.scale - 0.5;
  if (mode == "pytorch_half_pixel") return axis.out > 1 ? (at + 0.5) / axis.scale - 0.5 : 0.0;
  if (mode == "asymmetric") return at / axis.scale;
  if (mode == "tf_half_pixel_for_nn") return (at + 0.5) / axis.scale;
  if (mode == "align_corners") {
    // ONNX takes the unrounded output length where a scale is given.
    const double length = axis.scale * static_cast<double>(axis.in);
    return axis.out == 1 || length <= 1 ? 0.0 : at * last / (length - 1);
  }
  if (mode == "tf_crop_and_resize") {
    if (axis.out == 1) return 0.5 * (axis.start + axis.end) * last;
    return axis.start * last +
           at * (axis.end - axis.start) * last / static_cast<double>(axis.out - 1);
  }
  ctx.fail("unsupported coordinate_transformation_mode \"" + mode + "\"");
}

double rounded(const OpContext& ctx, const std::string& mode, double x) {
  if (mode == "round_prefer_floor") return std::ceil(x - 0.5);
  if (mode == "round_prefer_ceil") return std::floor(x + 0.5);
  if (mode == "floor") return std::floor(x);
  if (mode == "ceil") return std::ceil(x);
  ctx.fail("unsupported nearest_mode \"" + mode + "\"");
}

int64_t clamped(double x, int64_t size) {
  // NaN (from an infinite region) fails both comparisons and becomes 0.
  return x >= 1 ? static_cast<int64_t>(std::min(x, static_cast<double>(size - 1))) : 0;
}

bool outside(const Settings& settings, double x, int64_t size) {
  return settings.crops() && !(x >= 0 && x <= static_cast<double>(size - 1));
}

void read_scales(const OpContext& ctx, const std::vector<float>& scales, std::vector<Axis>& axes) {
  if (scales.size() != axes.size()) ctx.fail("scales must have one number for each axis");
  for (size_t i = 0; i < axes.size(); ++i) {
    axes[i].scale = scales[i];
    // In float, so that 10 times the float next to 0.7 is 7.
    const float out = std::floor(static_cast<float>(axes[i].in) * scales[i]);
    if (!(scales[i] > 0 && out < 0x1p40F)) ctx.fail("a scale is impossible");
    axes[i].out = static_cast<int64_t>(out);
  }
}

void read_sizes(const OpContext& ctx, const std::vector<int64_t>& sizes, std::vector<Axis>& axes) {
  if (sizes.size() != axes.size()) ctx.fail("sizes must have one number for each axis");
  for (size_t i = 0; i < axes.size(); ++i) {
    if (sizes[i] < 0 || sizes[i] > (int64_t{1} << 40)) ctx.fail("a size is impossible");
    axes[i].out = sizes[i];
    axes[i].scale = static_cast<double>(sizes[i]) / static_cast<double>(axes[i].in);
  }
}

std::vector<float> floats(const OpContext& ctx, size_t i) {
  const Tensor& x = ctx.input(i);
  if (x.dtype() != DType::kF32) ctx.fail("input " + std::to_string(i) + " must be float32");
  return {x.data<float>(), x.data<float>() + x.count()};
}

// Inputs: (x, scales) for Upsample 9 and Resize 10, (x, roi, scales, sizes) since; Upsample 7 has
// the scales as an attribute.
std::vector<Axis> read_axes(const OpContext& ctx, const Settings& settings) {
  std::vector<Axis> axes;
  for (const int64_t dim : ctx.input(0).shape()) axes.push_back({.in = dim, .out = dim});
  if (ctx.opset < 9) {
    read_scales(ctx, ctx.node.get_floats("scales"), axes);
  } else if (ctx.opset < 11) {
    read_scales(ctx, floats(ctx, 1), axes);
  } else if (ctx.has_input(3) && ctx.input(3).count() > 0) {
    read_sizes(ctx, integers(ctx, 3), axes);
  } else {
    read_scales(ctx, floats(ctx, 2), axes);
  }
  if (settings.crops()) {
    const std::vector<float> roi = floats(ctx, 1);
    if (roi.size() != axes.size() * 2) ctx.fail("roi must have two numbers for each axis");
    for (size_t i = 0; i < axes.size(); ++i) {
      axes[i].start = roi[i];
      axes[i].end = roi[axes.size() + i];
    }
  }
  for (const Axis& axis : axes) {
    if (axis.in == 0 && axis.out != 0) ctx.fail("an axis without elements cannot be resized");
  }
  return axes;
}

void nearest(const OpContext& ctx, const Settings& settings, const std::vector<Axis>& axes,
             Tensor& y) {
  const Tensor& x = ctx.input(0);
  std::vector<std::vector<int64_t>> from;
  for (const Axis& axis : axes) {
    std::vector<int64_t>& positions = from.emplace_back();
    for (int64_t i = 0; i < axis.out; ++i) {
      const double at = source_of(ctx, settings, axis, i);
      positions.push_back(outside(settings, at, axis.in)
                              ? -1
                              : clamped(rounded(ctx, settings.nearest, at), axis.in));
    }
  }
  dispatch(ctx, x.dtype(), AnyType{}, [&]<typename T>() {
    const T value = convert<T>(settings.extrapolation);
    copy_mapped(x.dtype(), x.data<T>(), x.shape(), y.data<T>(), from, &value);
  });
}

// The input positions that make an output position, and how much each counts.
struct Mix {
  size_t count = 0;
  std::array<int64_t, 4> at{};
  std::array<float, 4> weight{};
};

// Keys' cubic kernel at distance d (Keys 1981), with parameter a.
double cubic_kernel(double d, double a) {
  d = std::abs(d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

Mix mix_of(const Settings& settings, const Axis& axis, double x) {
  const double whole = std::floor(x);
  const double rest = x - whole;
  Mix mix;
  if (settings.mode == Mode::kLinear) {
    mix.count = 2;
    mix.at = {clamped(whole, axis.in), clamped(whole + 1, axis.in)};
    mix.weight = {static_cast<float>(1 - rest), static_cast<float>(rest)};
    return mix;
  }
  mix.count = 4;
  double total = 0;
  std::array<double, 4> weights{};
  for (int k = 0; k < 4; ++k) {
    const double position = whole + k - 1;
    const bool inside = position >= 0 && position < static_cast<double>(axis.in);
    weights[k] = cubic_kernel(rest - (k - 1), settings.cubic);
    if (settings.exclude_outside && !inside) weights[k] = 0;
    total += weights[k];
    mix.at[k] = clamped(position, axis.in);
  }
  if (!settings.exclude_outside) total = 1;
  for (int k = 0; k < 4; ++k) mix.weight[k] = static_cast<float>(weights[k] / total);
  return mix;
}

// Every output position of the last axis: a weighted sum of input elements.
template <typename C>
void mix_elements(const C* x, C* y, const std::vector<Mix>& mixes) {
  if (!mixes.empty() && mixes[0].count == 2) {
    for (size_t i = 0; i < mixes.size(); ++i) {
      const Mix& mix = mixes[i];
      y[i] = x[mix.at[0]] * mix.weight[0] + x[mix.at[1]] * mix.weight[1];
    }
    return;
  }
  for (size_t i = 0; i < mixes.size(); ++i) {
    C sum = 0;
    for (size_t k = 0; k < mixes[i].count; ++k) sum += x[mixes[i].at[k]] * mixes[i].weight[k];
    y[i] = sum;
  }
}

// One output position of another axis: a weighted sum of input rows.
template <typename C>
void mix_rows(const C* x, C* y, size_t inner, const Mix& mix) {
  const auto row = [&](size_t k) { return x + static_cast<size_t>(mix.at[k]) * inner; };
  const C *r0 = row(0), *r1 = row(1);
  const C w0 = mix.weight[0], w1 = mix.weight[1];
  for (size_t j = 0; j < inner; ++j) y[j] = r0[j] * w0 + r1[j] * w1;
  if (mix.count == 2) return;
  const C *r2 = row(2), *r3 = row(3);
  const C w2 = mix.weight[2], w3 = mix.weight[3];
  for (size_t j = 0; j < inner; ++j) y[j] += r2[j] * w2 + r3[j] * w3;
}

// Resizes the middle of x [outer, in, inner] into y [outer, mixes, inner].
template <typename C>
void mix_axis(const C* x, C* y, size_t outer, int64_t in, size_t inner,
              const std::vector<Mix>& mixes) {
  for (size_t o = 0; o < outer; ++o) {
    const C* part = x + o * static_cast<size_t>(in) * inner;
    if (inner == 1) {
      mix_elements(part, y, mixes);
      y += mixes.size();
      continue;
    }
    for (const Mix& mix : mixes) {
      mix_rows(part, y, inner, mix);
      y += inner;
    }
  }
}

// One axis that has to be resized: what each output position is made of, and which of them lie
// outside the region (tf_crop_and_resize).
struct Pass {
  size_t axis = 0;
  std::vector<Mix> mixes;
  std::vector<bool> beyond;
};

// The last axis first.
std::vector<Pass> plan_passes(const OpContext& ctx, const Settings& settings,
                              const std::vector<Axis>& axes) {
  std::vector<Pass> passes;
  for (size_t i = axes.size(); i-- > 0;) {
    const Axis& axis = axes[i];
    if (axis.in == axis.out && !settings.crops()) continue;
    Pass& pass = passes.emplace_back();
    pass.axis = i;
    for (int64_t p = 0; p < axis.out; ++p) {
      const double at = source_of(ctx, settings, axis, p);
      pass.beyond.push_back(outside(settings, at, axis.in));
      pass.mixes.push_back(mix_of(settings, axis, pass.beyond.back() ? 0.0 : at));
    }
  }
  return passes;
}

// Writes the value wherever an axis is outside its region.
template <typename T>
void fill_beyond(const std::vector<Pass>& passes, Tensor& y, T value) {
  for (const Pass& pass : passes) {
    if (std::find(pass.beyond.begin(), pass.beyond.end(), true) == pass.beyond.end()) continue;
    const size_t inner = product(y.shape(), pass.axis + 1, y.shape().size());
    for (size_t i = 0; i < y.count() / inner; ++i) {
      if (pass.beyond[i % pass.beyond.size()]) std::fill_n(y.data<T>() + i * inner, inner, value);
    }
  }
}

// Linear and cubic are separable: one axis after the other.
template <typename T>
void interpolate(const OpContext& ctx, const Settings& settings, const std::vector<Axis>& axes,
                 Tensor& y) {
  using C = Compute<T>;
  const Tensor& x = ctx.input(0);
  const std::vector<Pass> passes = plan_passes(ctx, settings, axes);
  // Half is widened once; float and double are read where they are.
  Tensor values = x;
  if constexpr (!std::is_same_v<T, C>) {
    values = Tensor(dtype_of<C>(), x.shape());
    std::copy_n(x.data<T>(), x.count(), values.data<C>());
  }
  for (size_t i = 0; i < passes.size(); ++i) {
    const Shape& in = values.shape();
    Shape out = in;
    out[passes[i].axis] = static_cast<int64_t>(passes[i].mixes.size());
    const bool writes_output = std::is_same_v<T, C> && i + 1 == passes.size();
    Tensor next = writes_output ? y : Tensor(dtype_of<C>(), out);
    mix_axis(std::as_const(values).data<C>(), next.data<C>(), product(in, 0, passes[i].axis),
             in[passes[i].axis], product(in, passes[i].axis + 1, in.size()), passes[i].mixes);
    values = next;
  }
  if (passes.empty() || !std::is_same_v<T, C>) {
    std::copy_n(std::as_const(values).data<C>(), y.count(), y.data<T>());
  }
  fill_beyond(passes, y, T(settings.extrapolation));
}

void resize(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Settings settings = read_settings(ctx);
  const std::vector<Axis> axes = read_axes(ctx, settings);
  Shape shape;
  for (const Axis& axis : axes) shape.push_back(axis.out);
  Tensor& y = ctx.make_output(0, x.dtype(), shape);
  if (y.count() == 0) return;
  if (settings.mode == Mode::kNearest) return nearest(ctx, settings, axes, y);
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() { interpolate<T>(ctx, settings, axes, y); });
}

}  // namespace

std::vector<OpEntry> resize_ops() {
  return {
      {"Resize",
       {resize,
        10,
        17,
        {"coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside",
         "extrapolation_value", "mode", "nearest_mode"}}},
      {"Upsample", {resize, 7, 9, {"mode", "scales"}}},
  };
}

}  // namespace cairn::engine::ops
