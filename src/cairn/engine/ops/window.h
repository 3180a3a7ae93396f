// Sliding windows: what Conv, ConvTranspose and the pools share.
#pragma once

#include <vector>

#include "cairn/engine/ops/common.h"

namespace cairn::engine::ops {

// A window over the spatial axes (those after batch and channel); every vector has one entry for
// each of them.
struct Window {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads_begin;
  std::vector<int64_t> pads_end;
  std::vector<int64_t> output;  // spatial output size
};

// Reads kernel_shape (or takes `kernel` where the attribute is missing), strides, dilations, pads,
// auto_pad and ceil_mode of a Conv or pool node, and computes the output size for an input of shape
// [batch, channels, spatial …]. Throws Error where a value is out of range or the window exceeds
// the padded input.
Window read_window(const OpContext& ctx, const Shape& input, std::vector<int64_t> kernel = {});

// The same for ConvTranspose: output_padding and output_shape in place of ceil_mode.
Window read_transposed_window(const OpContext& ctx, const Shape& input,
                              std::vector<int64_t> kernel);

// The spatial part of a shape.
Shape spatial(const Shape& shape);

// Every pair of positions that a window brings together: small * stride + tap * dilation - pad =
// large. A convolution reads large (its input) and writes small; a transposed one the other way.
struct Taps {
  Shape small;
  Shape large;
  std::vector<int64_t> kernel, strides, dilations, pads;

  // Calls row(tap, small offset, large offset, length) for runs of positions along the last axis;
  // from one to the next, small advances by 1 and large by strides.back(). Positions outside
  // `large` (the padding) are left out. Taps come in row-major order.
  template <typename Row>
  void for_each_run(Row&& row) const;
};

// Positions s in [0, small) with 0 <= s * stride + shift < large: [first, last).
struct Range {
  int64_t first = 0;
  int64_t last = 0;
};
Range valid_range(int64_t small, int64_t large, int64_t stride, int64_t shift);

template <typename Row>
void Taps::for_each_run(Row&& row) const {
  if (product(small, 0, small.size()) == 0) return;
  const size_t last = small.size() - 1;
  std::vector<int64_t> tap(small.size(), 0);
  const std::vector<size_t> small_strides = strides_of(small);
  const std::vector<size_t> large_strides = strides_of(large);
  const Shape outer_sizes(small.begin(), small.end() - 1);
  size_t tap_index = 0;
  do {
    std::vector<int64_t> shift(small.size());
    for (size_t i = 0; i < shift.size(); ++i) shift[i] = tap[i] * dilations[i] - pads[i];
    const Range range = valid_range(small[last], large[last], strides[last], shift[last]);
    std::vector<int64_t> position(last, 0);
    if (range.first < range.last) {
      do {
        auto from = static_cast<size_t>(range.first);
        auto to = static_cast<size_t>(range.first * strides[last] + shift[last]);
        bool inside = true;
        for (size_t i = 0; inside && i < last; ++i) {
          const int64_t at = position[i] * strides[i] + shift[i];
          inside = at >= 0 && at < large[i];
          if (!inside) break;
          from += static_cast<size_t>(position[i]) * small_strides[i];
          to += static_cast<size_t>(at) * large_strides[i];
        }
        if (inside) row(tap_index, from, to, static_cast<size_t>(range.last - range.first));
      } while (advance(position, outer_sizes));
    }
    ++tap_index;
  } while (advance(tap, kernel));
}

}  // namespace cairn::engine::ops
