// Operators that read images between the pixels: GridSample and RoiAlign.
#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

enum class Mode { kBilinear, kNearest, kBicubic };
enum class Padding { kZeros, kBorder, kReflection };

struct Sampler {
  Mode mode = Mode::kBilinear;
  Padding padding = Padding::kZeros;
  bool align_corners = false;
};

Sampler read_sampler(const OpContext& ctx) {
  Sampler sampler;
  const std::string mode = ctx.node.get_string("mode", "bilinear");
  const std::string padding = ctx.node.get_string("padding_mode", "zeros");
  if (mode == "nearest") {
    sampler.mode = Mode::kNearest;
  } else if (mode == "bicubic") {
    sampler.mode = Mode::kBicubic;
  } else if (mode != "bilinear") {
    ctx.fail("unsupported mode \"" + mode + "\"");
  }
  if (padding == "border") {
    sampler.padding = Padding::kBorder;
  } else if (padding == "reflection") {
    sampler.padding = Padding::kReflection;
  } else if (padding != "zeros") {
    ctx.fail("unsupported padding_mode \"" + padding + "\"");
  }
  sampler.align_corners = ctx.node.get_int("align_corners", 0) != 0;
  return sampler;
}

// A coordinate in [-1, 1] as one in pixels; far ones are held near, so that they fit integers.
double to_pixels(const Sampler& sampler, double g, int64_t size) {
  const auto length = static_cast<double>(size);
  const double x = sampler.align_corners ? (g + 1) / 2 * (length - 1) : ((g + 1) * length - 1) / 2;
  constexpr double kFar = 1e9;
  return x > -kFar ? std::min(x, kFar) : -kFar;  // NaN is far away too
}

// Brings a coordinate back into the image as the padding says; zeros leave it.
double padded(const Sampler& sampler, double x, int64_t size) {
  const auto last = static_cast<double>(size - 1);
  if (sampler.padding == Padding::kZeros) return x;
  if (sampler.padding == Padding::kReflection) {
    const double low = sampler.align_corners ? 0 : -0.5;
    const double span = sampler.align_corners ? last : last + 1;
    if (span <= 0) return 0;
    const double away = std::fmod(std::abs(x - low), 2 * span);
    x = low + std::min(away, 2 * span - away);
  }
  return std::clamp(x, 0.0, last);
}

// Up to four pixels along an axis and their weights; -1 where a pixel is outside (zeros).
struct Taps1d {
  size_t count = 0;
  std::array<int64_t, 4> at{};
  std::array<double, 4> weight{};
  void add(double position, double w, int64_t size) {
    const bool inside = position >= 0 && position <= static_cast<double>(size - 1);
    at[count] = inside ? static_cast<int64_t>(position) : -1;
    weight[count++] = w;
  }
};

// Keys' cubic kernel at distance d, with a = -0.75.
double cubic(double d) {
  constexpr double a = -0.75;
  d = std::abs(d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

Taps1d taps_at(const Sampler& sampler, double g, int64_t size) {
  const double raw = to_pixels(sampler, g, size);
  Taps1d taps;
  if (sampler.mode == Mode::kBicubic) {
    // Each pixel is padded by itself.
    const double whole = std::floor(raw);
    for (int k = -1; k <= 2; ++k) {
      taps.add(padded(sampler, whole + k, size), cubic(raw - whole - k), size);
    }
    return taps;
  }
  const double x = padded(sampler, raw, size);
  if (sampler.mode == Mode::kNearest) {
    taps.add(std::nearbyint(x), 1, size);
    return taps;
  }
  const double whole = std::floor(x);
  taps.add(whole, 1 - (x - whole), size);
  taps.add(whole + 1, x - whole, size);
  return taps;
}

template <typename T>
double sample(const T* plane, int64_t width, const Taps1d& rows, const Taps1d& columns) {
  double sum = 0;
  for (size_t i = 0; i < rows.count; ++i) {
    for (size_t j = 0; j < columns.count; ++j) {
      if (rows.at[i] < 0 || columns.at[j] < 0) continue;
      const double value = Compute<T>(plane[rows.at[i] * width + columns.at[j]]);
      sum += value * rows.weight[i] * columns.weight[j];
    }
  }
  return sum;
}

void grid_sample(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Tensor& grid = ctx.input(1);
  const Sampler sampler = read_sampler(ctx);
  if (x.shape().size() != 4 || grid.shape().size() != 4 || grid.dim(3) != 2 ||
      grid.dim(0) != x.dim(0)) {
    ctx.fail("unsupported shapes " + to_string(x.shape()) + " and " + to_string(grid.shape()) +
             ": images [N,C,H,W] and a grid [N,H,W,2] are expected");
  }
  const auto channels = static_cast<size_t>(x.dim(1));
  const int64_t height = x.dim(2), width = x.dim(3);
  Tensor& y = ctx.make_output(0, x.dtype(), {x.dim(0), x.dim(1), grid.dim(1), grid.dim(2)});
  if (y.count() == 0) return;
  if (height == 0 || width == 0) ctx.fail("the image has no pixels");
  const auto plane = static_cast<size_t>(height * width);
  const size_t points = product(grid.shape(), 1, 3);
  dispatch(ctx, x.dtype(), Floats{}, [&]<typename T>() {
    dispatch(ctx, grid.dtype(), Types<float, double>{}, [&]<typename G>() {
      for (size_t i = 0; i < static_cast<size_t>(x.dim(0)) * points; ++i) {
        const G* point = grid.data<G>() + i * 2;
        const Taps1d columns = taps_at(sampler, point[0], width);
        const Taps1d rows = taps_at(sampler, point[1], height);
        const size_t n = i / points;
        for (size_t c = 0; c < channels; ++c) {
          const T* in = x.data<T>() + (n * channels + c) * plane;
          y.data<T>()[(n * channels + c) * points + i % points] =
              static_cast<T>(sample(in, width, rows, columns));
        }
      }
    });
  });
}

struct RoiSettings {
  int64_t height = 1, width = 1, ratio = 0;
  double scale = 1;
  bool half_pixel = true;
};

RoiSettings read_roi_settings(const OpContext& ctx) {
  RoiSettings settings;
  if (ctx.node.get_string("mode", "avg") != "avg") ctx.fail("unsupported mode (only avg)");
  settings.height = ctx.node.get_int("output_height", 1);
  settings.width = ctx.node.get_int("output_width", 1);
  settings.ratio = ctx.node.get_int("sampling_ratio", 0);
  if (settings.height < 1 || settings.width < 1 || settings.ratio < 0 || settings.ratio > 256) {
    ctx.fail("output_height, output_width or sampling_ratio is out of range");
  }
  settings.scale = ctx.node.get_float("spatial_scale", 1.0F);
  const std::string mode = ctx.node.get_string("coordinate_transformation_mode",
                                               ctx.opset < 16 ? "output_half_pixel" : "half_pixel");
  if (mode != "half_pixel" && mode != "output_half_pixel") {
    ctx.fail("unsupported coordinate_transformation_mode \"" + mode + "\"");
  }
  settings.half_pixel = mode == "half_pixel";
  return settings;
}

// The samples of one bin along an axis: each by its two pixels.
std::vector<Taps1d> bin_samples(const OpContext& ctx, double start, double end, int64_t bin,
                                int64_t bins, const RoiSettings& settings, int64_t size) {
  start = start * settings.scale - (settings.half_pixel ? 0.5 : 0);
  end = end * settings.scale - (settings.half_pixel ? 0.5 : 0);
  const double length = settings.half_pixel ? end - start : std::max(end - start, 1.0);
  const double step = length / static_cast<double>(bins);
  const double wanted = settings.ratio > 0 ? static_cast<double>(settings.ratio) : std::ceil(step);
  if (!(std::abs(start) < 1e9 && wanted <= 256)) ctx.fail("a region is too large");
  std::vector<Taps1d> samples;
  for (int i = 0; i < static_cast<int>(wanted); ++i) {
    double x = start + step * (static_cast<double>(bin) + (i + 0.5) / wanted);
    Taps1d& taps = samples.emplace_back();
    if (!(x >= -1 && x <= static_cast<double>(size))) continue;  // outside: 0
    x = std::clamp(x, 0.0, static_cast<double>(size - 1));
    const double whole = std::floor(x);
    taps.add(whole, 1 - (x - whole), size);
    taps.add(whole + 1, x - whole, size);
  }
  return samples;
}

void roi_align(OpContext& ctx) {
  const Tensor& x = ctx.input(0);
  const Tensor& rois = ctx.input(1);
  const Tensor& batches = ctx.input(2);
  const RoiSettings settings = read_roi_settings(ctx);
  expect_same_type(ctx, x, rois);
  if (x.shape().size() != 4 || rois.shape().size() != 2 || rois.dim(1) != 4 ||
      batches.dtype() != DType::kI64 || batches.shape() != Shape{rois.dim(0)}) {
    ctx.fail("the shapes of the images, the regions and the batch indices do not fit");
  }
  const auto channels = static_cast<size_t>(x.dim(1));
  const int64_t height = x.dim(2), width = x.dim(3);
  Tensor& y =
      ctx.make_output(0, x.dtype(), {rois.dim(0), x.dim(1), settings.height, settings.width});
  if (y.count() == 0) return;
  if (height == 0 || width == 0) ctx.fail("the image has no pixels");
  const auto plane = static_cast<size_t>(height * width);
  const auto bins = static_cast<size_t>(settings.height * settings.width);
  dispatch(ctx, x.dtype(), Types<float, double>{}, [&]<typename T>() {
    for (size_t i = 0; i < batches.count() * bins; ++i) {
      const size_t r = i / bins;
      const int64_t batch = batches.data<int64_t>()[r];
      if (batch < 0 || batch >= x.dim(0)) ctx.fail("a batch index is out of range");
      const T* roi = rois.data<T>() + r * 4;
      const int64_t row = static_cast<int64_t>(i % bins) / settings.width;
      const int64_t column = static_cast<int64_t>(i % bins) % settings.width;
      const auto rows = bin_samples(ctx, roi[1], roi[3], row, settings.height, settings, height);
      const auto columns =
          bin_samples(ctx, roi[0], roi[2], column, settings.width, settings, width);
      const auto count = static_cast<double>(std::max<size_t>(rows.size() * columns.size(), 1));
      for (size_t c = 0; c < channels; ++c) {
        const T* in = x.data<T>() + (static_cast<size_t>(batch) * channels + c) * plane;
        double sum = 0;
        for (const Taps1d& v : rows) {
          for (const Taps1d& h : columns) sum += sample(in, width, v, h);
        }
        y.data<T>()[(r * channels + c) * bins + i % bins] = static_cast<T>(sum / count);
      }
    }
  });
}

}  // namespace

std::vector<OpEntry> sample_ops() {
  return {
      {"GridSample", {grid_sample, 16, 17, {"align_corners", "mode", "padding_mode"}}},
      {"RoiAlign",
       {roi_align,
        10,
        17,
        {"coordinate_transformation_mode", "mode", "output_height", "output_width",
         "sampling_ratio", "spatial_scale"}}},
  };
}

}  // namespace cairn::engine::ops
