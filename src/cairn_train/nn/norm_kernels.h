// The loops of norm_activation.cc over rows (pixels) of a channels-last image: `rows` times
// `channels` floats, one after the other. Sums are added to what is there.
#pragma once

#include <cstdint>

namespace cairn::nn {

enum class Activation { kNone, kRelu, kSilu };

namespace kernels {

// What batch normalisation knows of each channel; x̂ = (x - mean) · inverse.
struct NormChannels {
  const float* mean;
  const float* inverse;  // 1 / standard deviation
  const float* weight;
  const float* bias;
};

// Σ (x - first) and Σ (x - first)² of each channel, where first is row 0: without the shift, the
// difference of large squares would lose the variance.
void sum_rows(const float* x, int64_t rows, int64_t channels, float* sums, float* squares);

// y = activation(x · scale + shift).
void norm_rows(Activation activation, const float* x, int64_t rows, int64_t channels,
               const float* scale, const float* shift, float* y);

// g = dy · activation'(x̂ · weight + bias); Σ g and Σ g · x̂ of each channel.
void norm_gradient_rows(Activation activation, const float* x, const float* dy, int64_t rows,
                        int64_t channels, const NormChannels& at, float* g, float* sums,
                        float* products);

// g = a · g + b · (x - mean) + c.
void combine_rows(const float* x, int64_t rows, int64_t channels, const float* mean, const float* a,
                  const float* b, const float* c, float* g);

// y = x · gate.
void scale_rows(const float* x, int64_t rows, int64_t channels, const float* gate, float* y);

// dx = dy · gate; Σ dy · x of each channel.
void scale_gradient_rows(const float* x, const float* dy, int64_t rows, int64_t channels,
                         const float* gate, float* dx, float* sums);

}  // namespace kernels
}  // namespace cairn::nn
