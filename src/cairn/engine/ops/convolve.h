// Direct convolution over any number of spatial axes: the scalar reference of Conv, ConvTranspose
// and the quantised convolutions.
#pragma once

#include "cairn/engine/ops/window.h"

namespace cairn::engine::ops {

struct Convolution {
  size_t batch = 0;
  size_t groups = 1;
  size_t in_channels = 0;   // of one group
  size_t out_channels = 0;  // of one group
  Taps taps;
};

// x [batch, groups * in_channels, large …], weights [groups * out_channels, in_channels, kernel …],
// y [batch, groups * out_channels, small …] holding the bias; y += x * weights.
template <typename T>
void convolve(const Convolution& conv, const T* x, const T* weights, T* y) {
  const size_t large = product(conv.taps.large, 0, conv.taps.large.size());
  const size_t small = product(conv.taps.small, 0, conv.taps.small.size());
  const size_t window = product(conv.taps.kernel, 0, conv.taps.kernel.size());
  const auto stride = static_cast<size_t>(conv.taps.strides.back());
  const size_t channels = conv.groups * conv.out_channels;
  for (size_t plane = 0; plane < conv.batch * channels; ++plane) {
    const size_t n = plane / channels;
    const size_t channel = plane % channels;
    const size_t group = channel / conv.out_channels;
    for (size_t c = 0; c < conv.in_channels; ++c) {
      const T* in = x + ((n * conv.groups + group) * conv.in_channels + c) * large;
      const T* w = weights + (channel * conv.in_channels + c) * window;
      conv.taps.for_each_run([&](size_t tap, size_t to, size_t from, size_t length) {
        const T factor = w[tap];
        T* out = y + plane * small + to;
        const T* row = in + from;
        for (size_t i = 0; i < length; ++i) out[i] += factor * row[i * stride];
      });
    }
  }
}

// x [batch, groups * in_channels, small …], weights [groups * in_channels, out_channels, kernel …],
// y [batch, groups * out_channels, large …] holding the bias; y += what convolve would have read
// for x.
template <typename T>
void convolve_transposed(const Convolution& conv, const T* x, const T* weights, T* y) {
  const size_t large = product(conv.taps.large, 0, conv.taps.large.size());
  const size_t small = product(conv.taps.small, 0, conv.taps.small.size());
  const size_t window = product(conv.taps.kernel, 0, conv.taps.kernel.size());
  const auto stride = static_cast<size_t>(conv.taps.strides.back());
  const size_t channels = conv.groups * conv.out_channels;
  for (size_t plane = 0; plane < conv.batch * channels; ++plane) {
    const size_t n = plane / channels;
    const size_t channel = plane % channels;
    const size_t group = channel / conv.out_channels;
    for (size_t c = 0; c < conv.in_channels; ++c) {
      const size_t source = group * conv.in_channels + c;
      const T* in = x + (n * conv.groups * conv.in_channels + source) * small;
      const T* w = weights + (source * conv.out_channels + channel % conv.out_channels) * window;
      conv.taps.for_each_run([&](size_t tap, size_t from, size_t to, size_t length) {
        const T factor = w[tap];
        T* out = y + plane * large + to;
        for (size_t i = 0; i < length; ++i) out[i * stride] += factor * in[from + i];
      });
    }
  }
}

// Reads the node (x, weights as inputs 0 and `weights_index`) of a Conv-like operator, checks every
// shape and gives the output's shape.
struct ConvolutionPlan {
  Convolution conv;
  Shape output;
};
ConvolutionPlan plan_convolution(const OpContext& ctx, const Tensor& x, const Tensor& weights);

}  // namespace cairn::engine::ops
