#include "cairn_train/nn/depthwise.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <vector>

namespace cairn::nn {
namespace {

constexpr int64_t kSmallestKernel = 5;
constexpr int64_t kLanes = 16;  // channels that are summed side by side

// Compiled for several instruction sets; the loader picks one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define CAIRN_CLONES \
  __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define CAIRN_CLONES
#endif

struct Geometry {
  int64_t images, channels, height, width, out_height, out_width, kernel, stride, pad_y, pad_x;
};

using Lanes = std::array<float, kLanes>;

// One row of outputs against one row of inputs: adds Σ_x gradient[x] · input[x · stride + k - pad]
// to sums[k] for every k, kLanes channels at once. Rows are `channels` apart from pixel to pixel.
CAIRN_CLONES void add_row(const float* input, const float* gradient, const Geometry& g,
                          Lanes* sums) {
  for (int64_t k = 0; k < g.kernel; ++k) {
    // Outputs whose input pixel x · stride + k - pad lies inside the row.
    const int64_t shift = k - g.pad_x;
    const int64_t first = shift >= 0 ? 0 : (-shift + g.stride - 1) / g.stride;
    const int64_t last =
        std::min(g.out_width, (g.width - 1 - shift) / g.stride + 1);  // one past it
    Lanes sum = sums[k];
    const float* in = input + (first * g.stride + shift) * g.channels;
    const float* grad = gradient + first * g.channels;
    for (int64_t x = first; x < last; ++x) {
      for (int64_t lane = 0; lane < kLanes; ++lane) sum[lane] += grad[lane] * in[lane];
      in += g.stride * g.channels;
      grad += g.channels;
    }
    sums[k] = sum;
  }
}

// The weight gradient of kLanes channels from `channel` on, to out (kernel² rows of kLanes).
void sum_channels(const float* x, const float* gradient, const Geometry& g, int64_t channel,
                  std::vector<Lanes>& out) {
  std::ranges::fill(out, Lanes{});
  for (int64_t n = 0; n < g.images; ++n) {
    for (int64_t y = 0; y < g.out_height; ++y) {
      const float* row = gradient + ((n * g.out_height + y) * g.out_width) * g.channels + channel;
      for (int64_t k = 0; k < g.kernel; ++k) {
        const int64_t source = y * g.stride + k - g.pad_y;
        if (source < 0 || source >= g.height) continue;
        add_row(x + ((n * g.height + source) * g.width) * g.channels + channel, row, g,
                &out[k * g.kernel]);
      }
    }
  }
}

// Channels-last float32 memory with the channels filled up to whole lanes.
torch::Tensor in_lanes(const torch::Tensor& x) {
  const int64_t channels = x.size(1);
  const int64_t missing = (kLanes - channels % kLanes) % kLanes;
  const torch::Tensor whole =
      missing == 0 ? x : torch::constant_pad_nd(x, {0, 0, 0, 0, 0, missing});
  return whole.to(torch::kFloat).contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor weight_gradient(const torch::Tensor& input, const torch::Tensor& output_gradient,
                              const torch::Tensor& weight, int64_t stride, int64_t pad_y,
                              int64_t pad_x) {
  const torch::Tensor x = in_lanes(input);
  const torch::Tensor gradient = in_lanes(output_gradient);
  const Geometry g{x.size(0),        x.size(1),      x.size(2), x.size(3), gradient.size(2),
                   gradient.size(3), weight.size(2), stride,    pad_y,     pad_x};
  torch::Tensor result = torch::empty({g.channels, g.kernel * g.kernel});
  float* const out = result.data_ptr<float>();
  const int64_t taps = g.kernel * g.kernel;
  at::parallel_for(0, g.channels / kLanes, 1, [&](int64_t begin, int64_t end) {
    std::vector<Lanes> sums(static_cast<size_t>(taps));
    for (int64_t block = begin; block < end; ++block) {
      sum_channels(x.data_ptr<float>(), gradient.data_ptr<float>(), g, block * kLanes, sums);
      for (int64_t lane = 0; lane < kLanes; ++lane)
        for (int64_t tap = 0; tap < taps; ++tap)
          out[(block * kLanes + lane) * taps + tap] = sums[static_cast<size_t>(tap)][lane];
    }
  });
  return result.slice(0, 0, weight.size(0)).reshape(weight.sizes());
}

class Depthwise : public torch::autograd::Function<Depthwise> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, int64_t stride, int64_t pad_y,
                               int64_t pad_x) {
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = stride;
    context->saved_data["pad_y"] = pad_y;
    context->saved_data["pad_x"] = pad_x;
    return torch::conv2d(x, weight, {}, {stride, stride}, {pad_y, pad_x}, {1, 1}, x.size(1));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& x = saved[0];
    const torch::Tensor& weight = saved[1];
    const int64_t stride = context->saved_data["stride"].toInt();
    const int64_t pad_y = context->saved_data["pad_y"].toInt();
    const int64_t pad_x = context->saved_data["pad_x"].toInt();
    // Autocast may have computed the output in another type than x came in.
    const torch::Tensor gradient = gradients[0].to(x.scalar_type());
    torch::Tensor x_gradient;
    if (context->needs_input_grad(0)) {
      x_gradient = std::get<0>(at::convolution_backward(
          gradient, x, weight.to(x.scalar_type()), c10::nullopt, {stride, stride}, {pad_y, pad_x},
          {1, 1}, /*transposed=*/false, {0, 0}, x.size(1), {true, false, false}));
    }
    return {x_gradient, weight_gradient(x, gradient, weight, stride, pad_y, pad_x), {}, {}, {}};
  }
};

}  // namespace

bool depthwise_is_faster(const torch::Tensor& x, const torch::Tensor& weight, int64_t groups) {
  return torch::GradMode::is_enabled() && weight.requires_grad() && x.device().is_cpu() &&
         weight.scalar_type() == torch::kFloat && groups == x.size(1) && weight.size(0) == groups &&
         weight.size(2) >= kSmallestKernel;
}

torch::Tensor depthwise_conv2d(const torch::Tensor& x, const torch::Tensor& weight, int64_t stride,
                               int64_t pad_y, int64_t pad_x) {
  return Depthwise::apply(x, weight, stride, pad_y, pad_x);
}

}  // namespace cairn::nn
