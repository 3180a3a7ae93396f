#include "cairn/engine/plan/window.h"

#include <algorithm>

namespace cairn::engine {
namespace {

constexpr int64_t kLargest = 1 << 14;  // kernel, stride, pad

bool all_within(const std::vector<int64_t>& values, int64_t low, int64_t high) {
  return std::all_of(values.begin(), values.end(),
                     [&](int64_t value) { return value >= low && value <= high; });
}

}  // namespace

std::optional<Window> window_of(const Node& node, const std::vector<int64_t>& kernel,
                                const Shape& in, const Shape& out) {
  if (in.size() < 3 || in.size() != out.size() || kernel.size() != in.size() - 2)
    return std::nullopt;
  const size_t axes = kernel.size();
  Window window;
  window.kernel = kernel;
  window.strides = node.get_ints("strides", std::vector<int64_t>(axes, 1));
  window.dilations = node.get_ints("dilations", std::vector<int64_t>(axes, 1));
  const std::vector<int64_t> pads = node.get_ints("pads", std::vector<int64_t>(2 * axes, 0));
  if (window.strides.size() != axes || window.dilations.size() != axes || pads.size() != 2 * axes ||
      !all_within(window.kernel, 1, kLargest) || !all_within(window.strides, 1, kLargest) ||
      !all_within(window.dilations, 1, kLargest) || !all_within(pads, 0, kLargest))
    return std::nullopt;
  const std::string auto_pad = node.get_string("auto_pad", "NOTSET");
  for (size_t i = 0; i < axes; ++i) {
    const int64_t extent = (kernel[i] - 1) * window.dilations[i] + 1;
    // The pads that the output size needs; fewer at the end where the last window leaves some over.
    const int64_t needed = (out[i + 2] - 1) * window.strides[i] + extent - in[i + 2];
    int64_t begin = pads[i];
    if (auto_pad == "VALID") begin = 0;
    if (auto_pad == "SAME_UPPER") begin = std::max<int64_t>(needed, 0) / 2;
    if (auto_pad == "SAME_LOWER") begin = (std::max<int64_t>(needed, 0) + 1) / 2;
    const int64_t end = std::max<int64_t>(needed - begin, 0);
    if (begin >= extent || end >= extent || extent > kLargest) return std::nullopt;
    window.pads_begin.push_back(begin);
    window.pads_end.push_back(end);
  }
  return window;
}

std::optional<Shape> conv_output(const Node& node, const std::vector<int64_t>& kernel,
                                 const Shape& in, int64_t channels) {
  const size_t axes = kernel.size();
  if (in.size() != axes + 2) return std::nullopt;
  const std::vector<int64_t> strides = node.get_ints("strides", std::vector<int64_t>(axes, 1));
  const std::vector<int64_t> dilations = node.get_ints("dilations", std::vector<int64_t>(axes, 1));
  const std::vector<int64_t> pads = node.get_ints("pads", std::vector<int64_t>(2 * axes, 0));
  const std::string auto_pad = node.get_string("auto_pad", "NOTSET");
  if (strides.size() != axes || dilations.size() != axes || pads.size() != 2 * axes)
    return std::nullopt;
  Shape out = {in[0], channels};
  for (size_t i = 0; i < axes; ++i) {
    if (!all_within({strides[i], dilations[i], kernel[i]}, 1, kLargest) ||
        !all_within({pads[i], pads[axes + i]}, 0, kLargest))
      return std::nullopt;
    int64_t room = in[i + 2];
    if (auto_pad == "NOTSET") room += pads[i] + pads[axes + i];
    const int64_t extent = (kernel[i] - 1) * dilations[i] + 1;
    const bool same = auto_pad.starts_with("SAME");
    out.push_back(same ? (room + strides[i] - 1) / strides[i] : (room - extent) / strides[i] + 1);
    if (out.back() < 1 || (!same && room < extent)) return std::nullopt;
  }
  return out;
}

bool all_are(const std::vector<int64_t>& values, int64_t wanted) {
  return all_within(values, wanted, wanted);
}

bool is_pointwise(const Window& window) {
  return all_are(window.kernel, 1) && all_are(window.strides, 1) && all_are(window.pads_begin, 0) &&
         all_are(window.pads_end, 0);
}

kernels::Window2d window_2d(const Window& window) {
  const auto size = [](const std::vector<int64_t>& sizes, size_t axis) {
    return static_cast<size_t>(sizes[axis]);
  };
  return {.height = size(window.kernel, 0),
          .width = size(window.kernel, 1),
          .stride_y = size(window.strides, 0),
          .stride_x = size(window.strides, 1),
          .pad_top = size(window.pads_begin, 0),
          .pad_left = size(window.pads_begin, 1)};
}

}  // namespace cairn::engine
