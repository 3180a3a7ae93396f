#include "cairn/engine/ops/window.h"

#include <fmt/format.h>

#include <algorithm>

namespace cairn::engine::ops {

namespace {

// Large enough for every network, small enough that sums and products of two never overflow.
constexpr int64_t kMaxWindow = int64_t{1} << 24;

// An attribute with one entry (or two for each axis: pads), or all `fallback`.
std::vector<int64_t> entries(const OpContext& ctx, const char* key, size_t count, int64_t fallback,
                             int64_t lowest) {
  std::vector<int64_t> values = ctx.node.get_ints(key);
  if (values.empty()) values.assign(count, fallback);
  if (values.size() != count) {
    ctx.fail(
        fmt::format("attribute \"{}\" must have {} numbers, not {}", key, count, values.size()));
  }
  for (const int64_t value : values) {
    if (value < lowest || value > kMaxWindow) {
      ctx.fail(fmt::format("attribute \"{}\" has the impossible value {}", key, value));
    }
  }
  return values;
}

enum class AutoPad { kNotSet, kValid, kSameUpper, kSameLower };

AutoPad auto_pad_of(const OpContext& ctx) {
  const std::string name = ctx.node.get_string("auto_pad", "NOTSET");
  if (name.empty() || name == "NOTSET") return AutoPad::kNotSet;
  if (name == "VALID") return AutoPad::kValid;
  if (name == "SAME_UPPER") return AutoPad::kSameUpper;
  if (name == "SAME_LOWER") return AutoPad::kSameLower;
  ctx.fail("unsupported auto_pad \"" + name + "\"");
}

// Everything but pads and the output size.
Window read_geometry(const OpContext& ctx, const Shape& input, std::vector<int64_t> kernel) {
  if (input.size() < 3) ctx.fail("the input must have at least 3 dimensions");
  const size_t axes = input.size() - 2;
  for (size_t i = 2; i < input.size(); ++i) {
    if (input[i] > (int64_t{1} << 40)) ctx.fail("the input " + to_string(input) + " is too large");
  }
  Window window;
  if (kernel.empty()) {
    required_ints(ctx, "kernel_shape");
    window.kernel = entries(ctx, "kernel_shape", axes, 1, 1);
  } else {
    if (kernel.size() != axes) ctx.fail("the weights do not have the dimensions of the input");
    for (const int64_t size : kernel) {
      if (size < 1 || size > kMaxWindow) ctx.fail("the weights have an impossible shape");
    }
    if (ctx.node.has_attribute("kernel_shape") && ctx.node.get_ints("kernel_shape") != kernel) {
      ctx.fail("kernel_shape differs from the shape of the weights");
    }
    window.kernel = std::move(kernel);
  }
  int64_t taps = 1;
  for (const int64_t size : window.kernel) {
    taps = checked_mul(ctx, taps, size);
    if (taps > kMaxWindow) ctx.fail("the window " + to_string(window.kernel) + " is too large");
  }
  window.strides = entries(ctx, "strides", axes, 1, 1);
  window.dilations = entries(ctx, "dilations", axes, 1, 1);
  return window;
}

void set_pads(const OpContext& ctx, Window& window) {
  const size_t axes = window.kernel.size();
  const std::vector<int64_t> pads = entries(ctx, "pads", axes * 2, 0, 0);
  const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(axes);
  window.pads_begin.assign(pads.begin(), middle);
  window.pads_end.assign(middle, pads.end());
}

void share_padding(Window& window, size_t axis, int64_t total, bool more_at_begin) {
  window.pads_begin[axis] = more_at_begin ? total - total / 2 : total / 2;
  window.pads_end[axis] = total - window.pads_begin[axis];
}

int64_t reach(const Window& window, size_t axis) {
  return (window.kernel[axis] - 1) * window.dilations[axis] + 1;
}

}  // namespace

Shape spatial(const Shape& shape) { return {shape.begin() + 2, shape.end()}; }

Window read_window(const OpContext& ctx, const Shape& input, std::vector<int64_t> kernel) {
  Window window = read_geometry(ctx, input, std::move(kernel));
  const AutoPad auto_pad = auto_pad_of(ctx);
  const bool ceil_mode = ctx.node.get_int("ceil_mode", 0) != 0;
  const size_t axes = window.kernel.size();
  window.pads_begin.assign(axes, 0);
  window.pads_end.assign(axes, 0);
  if (auto_pad == AutoPad::kNotSet) set_pads(ctx, window);
  for (size_t i = 0; i < axes; ++i) {
    const int64_t size = input[i + 2];
    const int64_t stride = window.strides[i];
    if (auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower) {
      const int64_t out = (size + stride - 1) / stride;
      const int64_t total = std::max<int64_t>((out - 1) * stride + reach(window, i) - size, 0);
      share_padding(window, i, total, auto_pad == AutoPad::kSameLower);
      window.output.push_back(out);
      continue;
    }
    const int64_t room = size + window.pads_begin[i] + window.pads_end[i] - reach(window, i);
    if (room < 0) {
      ctx.fail(fmt::format("a window of {} does not fit into {} with its padding", reach(window, i),
                           size));
    }
    int64_t out = (ceil_mode ? room + stride - 1 : room) / stride + 1;
    // A window must start inside the input or its left padding.
    if (ceil_mode && out > 1 && (out - 1) * stride >= size + window.pads_begin[i]) --out;
    window.output.push_back(out);
  }
  return window;
}

Window read_transposed_window(const OpContext& ctx, const Shape& input,
                              std::vector<int64_t> kernel) {
  Window window = read_geometry(ctx, input, std::move(kernel));
  const size_t axes = window.kernel.size();
  const AutoPad auto_pad = auto_pad_of(ctx);
  const std::vector<int64_t> extra = entries(ctx, "output_padding", axes, 0, 0);
  std::vector<int64_t> wanted = ctx.node.get_ints("output_shape");
  if (wanted.size() == axes + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() && wanted.size() != axes) ctx.fail("output_shape has the wrong length");
  window.pads_begin.assign(axes, 0);
  window.pads_end.assign(axes, 0);
  if (auto_pad == AutoPad::kNotSet) set_pads(ctx, window);
  for (size_t i = 0; i < axes; ++i) {
    const int64_t size = input[i + 2];
    const int64_t stride = window.strides[i];
    const int64_t full = std::max<int64_t>(size - 1, 0) * stride + extra[i] + reach(window, i);
    const bool same = auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower;
    if (!wanted.empty() || same) {
      const int64_t out = wanted.empty() ? size * stride : wanted[i];
      if (out < 1 || out > (int64_t{1} << 40)) ctx.fail("output_shape is impossible");
      share_padding(window, i, std::max<int64_t>(full - out, 0), auto_pad != AutoPad::kSameUpper);
      window.output.push_back(out);
    } else {
      const int64_t out = full - window.pads_begin[i] - window.pads_end[i];
      if (out < 1) ctx.fail("the padding leaves no output");
      window.output.push_back(out);
    }
  }
  return window;
}

Range valid_range(int64_t small, int64_t large, int64_t stride, int64_t shift) {
  Range range;
  range.first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  range.last = large - 1 < shift ? 0 : (large - 1 - shift) / stride + 1;
  range.last = std::min(range.last, small);
  return range;
}

}  // namespace cairn::engine::ops
