#include "cairn_train/nn/norm_activation.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace cairn::nn {
namespace {

// Rows (pixels) that are summed in float before they join the double sums: the same whatever the
// number of threads.
constexpr int64_t kChunk = 128;

// work(first row, rows, chunk) for every chunk of rows, on all threads.
template <typename Work>
void each_chunk(int64_t rows, const Work& work) {
  const int64_t chunks = (rows + kChunk - 1) / kChunk;
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk)
      work(chunk * kChunk, std::min(kChunk, rows - chunk * kChunk), chunk);
  });
}

struct Moments {
  torch::Tensor mean, inverse;  // C
  torch::Tensor variance;       // C, of the population
  double rows = 0;              // that they are of
};

// Chunks are joined in their order by Chan, Golub, LeVeque (1979).
Moments moments_of(const float* x, int64_t rows, int64_t channels, double eps,
                   const SharedBatch* shared) {
  const int64_t chunks = (rows + kChunk - 1) / kChunk;
  std::vector<float> partial(static_cast<size_t>(2 * chunks * channels));
  each_chunk(rows, [&](int64_t first, int64_t count, int64_t chunk) {
    float* sums = &partial[static_cast<size_t>(2 * chunk * channels)];
    kernels::sum_rows(x + first * channels, count, channels, sums, sums + channels);
  });
  Spread all{static_cast<double>(rows), std::vector<double>(static_cast<size_t>(channels)),
             std::vector<double>(static_cast<size_t>(channels))};
  std::vector<double>&means = all.means, &spreads = all.squares;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const float* sums = &partial[static_cast<size_t>(2 * chunk * channels)];
    const float* first = x + chunk * kChunk * channels;
    const auto before = static_cast<double>(chunk * kChunk);
    const auto count = static_cast<double>(std::min(kChunk, rows - chunk * kChunk));
    const double share = count / (before + count);
    for (int64_t c = 0; c < channels; ++c) {
      const double offset = sums[c] / count;
      const double delta = first[c] + offset - means[c];
      means[c] += delta * share;
      spreads[c] += sums[channels + c] - offset * sums[c] + delta * delta * before * share;
    }
  }
  if (shared != nullptr) all = join(all, *shared);
  Moments moments{torch::empty({channels}), torch::empty({channels}), torch::empty({channels}),
                  all.count};
  float* mean = moments.mean.data_ptr<float>();
  float* inverse = moments.inverse.data_ptr<float>();
  float* variance = moments.variance.data_ptr<float>();
  for (int64_t c = 0; c < channels; ++c) {
    const double spread = std::max(0.0, spreads[c]) / all.count;
    mean[c] = static_cast<float>(means[c]);
    variance[c] = static_cast<float>(spread);
    inverse[c] = static_cast<float>(1 / std::sqrt(spread + eps));
  }
  return moments;
}

int64_t rows_of(const torch::Tensor& x) { return x.size(0) * x.size(2) * x.size(3); }

torch::Tensor like(const torch::Tensor& x) {
  return torch::empty_like(x, x.options(), torch::MemoryFormat::ChannelsLast);
}

torch::Tensor channels_last(const torch::Tensor& x) {
  return x.contiguous(torch::MemoryFormat::ChannelsLast);
}

class NormActivation : public torch::autograd::Function<NormActivation> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               const NormState* state, Activation activation) {
    const int64_t rows = rows_of(x);
    const int64_t channels = x.size(1);
    const float* pixels = x.data_ptr<float>();
    const Moments moments = moments_of(pixels, rows, channels, state->eps, state->shared);
    update_running(*state, moments.mean, moments.variance, moments.rows);
    const torch::Tensor scale = weight * moments.inverse;
    const torch::Tensor shift = bias - moments.mean * scale;
    const torch::Tensor y = like(x);
    each_chunk(rows, [&](int64_t first, int64_t count, int64_t /*chunk*/) {
      kernels::norm_rows(activation, pixels + first * channels, count, channels,
                         scale.data_ptr<float>(), shift.data_ptr<float>(),
                         y.data_ptr<float>() + first * channels);
    });
    context->save_for_backward({x, weight, bias, moments.mean, moments.inverse});
    context->saved_data["activation"] = static_cast<int64_t>(activation);
    context->saved_data["shared"] = reinterpret_cast<int64_t>(state->shared);
    context->saved_data["rows"] = moments.rows;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& x = saved[0];
    const torch::Tensor& weight = saved[1];
    const torch::Tensor& mean = saved[3];
    const torch::Tensor& inverse = saved[4];
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    const torch::Tensor dy = channels_last(gradients[0]);
    const int64_t rows = rows_of(x);
    const int64_t channels = x.size(1);
    const kernels::NormChannels at{mean.data_ptr<float>(), inverse.data_ptr<float>(),
                                   weight.data_ptr<float>(), saved[2].data_ptr<float>()};
    const torch::Tensor dx = like(x);
    const int64_t chunks = (rows + kChunk - 1) / kChunk;
    const torch::Tensor partial = torch::zeros({chunks, 2, channels});
    each_chunk(rows, [&](int64_t first, int64_t count, int64_t chunk) {
      float* sums = partial.data_ptr<float>() + 2 * chunk * channels;
      kernels::norm_gradient_rows(activation, x.data_ptr<float>() + first * channels,
                                  dy.data_ptr<float>() + first * channels, count, channels, at,
                                  dx.data_ptr<float>() + first * channels, sums, sums + channels);
    });
    const torch::Tensor sums = partial.sum(0, /*keepdim=*/false, torch::kFloat64);
    const torch::Tensor bias_gradient = sums[0].to(torch::kFloat);
    const torch::Tensor weight_gradient = sums[1].to(torch::kFloat);
    torch::Tensor all_sums = sums;
    if (const int64_t shared = context->saved_data["shared"].toInt(); shared != 0)
      all_sums = reinterpret_cast<const SharedBatch*>(shared)
                     ->gather(sums.contiguous().view({-1}))
                     .sum(0)
                     .view({2, -1});
    const double all_rows = context->saved_data["rows"].toDouble();
    // dx = γ/σ · (g - mean(g) - x̂ · mean(g · x̂))
    const torch::Tensor a = weight * inverse;
    const torch::Tensor b = -a * inverse * all_sums[1].to(torch::kFloat) / all_rows;
    const torch::Tensor d = -a * all_sums[0].to(torch::kFloat) / all_rows;
    each_chunk(rows, [&](int64_t first, int64_t count, int64_t /*chunk*/) {
      kernels::combine_rows(x.data_ptr<float>() + first * channels, count, channels, at.mean,
                            a.data_ptr<float>(), b.data_ptr<float>(), d.data_ptr<float>(),
                            dx.data_ptr<float>() + first * channels);
    });
    return {dx, weight_gradient, bias_gradient, {}, {}};
  }
};

class ScaleChannels : public torch::autograd::Function<ScaleChannels> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& gate) {
    const torch::Tensor gates = gate.reshape({x.size(0), x.size(1)}).contiguous();
    const torch::Tensor y = like(x);
    each_image(x, [&](int64_t at, int64_t rows, int64_t channels, int64_t n) {
      kernels::scale_rows(x.data_ptr<float>() + at, rows, channels,
                          gates.data_ptr<float>() + n * channels, y.data_ptr<float>() + at);
    });
    context->save_for_backward({x, gates});
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& x = saved[0];
    const torch::Tensor& gates = saved[1];
    const torch::Tensor dy = channels_last(gradients[0]);
    const torch::Tensor dx = like(x);
    const torch::Tensor sums = torch::zeros_like(gates);
    each_image(x, [&](int64_t at, int64_t rows, int64_t channels, int64_t n) {
      kernels::scale_gradient_rows(x.data_ptr<float>() + at, dy.data_ptr<float>() + at, rows,
                                   channels, gates.data_ptr<float>() + n * channels,
                                   dx.data_ptr<float>() + at,
                                   sums.data_ptr<float>() + n * channels);
    });
    return {dx, sums.reshape({x.size(0), x.size(1), 1, 1})};
  }

 private:
  // work(offset of the image, its pixels, channels, its number) for every image, on all threads.
  template <typename Work>
  static void each_image(const torch::Tensor& x, const Work& work) {
    const int64_t channels = x.size(1);
    const int64_t rows = x.size(2) * x.size(3);
    at::parallel_for(0, x.size(0), 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) work(n * rows * channels, rows, channels, n);
    });
  }
};

}  // namespace

void update_running(const NormState& state, const torch::Tensor& mean,
                    const torch::Tensor& variance, double rows) {
  const torch::NoGradGuard no_grad;
  const double unbiased = rows / (rows - 1);
  state.running_mean.mul_(1 - state.momentum)
      .add_(mean.to(state.running_mean.options()), state.momentum);
  state.running_var.mul_(1 - state.momentum)
      .add_(variance.to(state.running_var.options()), state.momentum * unbiased);
}

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return torch::relu(x);
    case Activation::kSilu:
      return torch::silu(x);
    case Activation::kNone:
      break;
  }
  return x;
}

bool fused_is_faster(const torch::Tensor& x) {
  return torch::GradMode::is_enabled() && x.device().is_cpu() && x.scalar_type() == torch::kFloat &&
         x.dim() == 4 && x.size(1) > 0 && x.numel() > x.size(1) &&
         x.is_contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor norm_activation(const torch::Tensor& x, const NormState& state,
                              Activation activation) {
  return NormActivation::apply(x, state.weight, state.bias, &state, activation);
}

torch::Tensor scale_channels(const torch::Tensor& x, const torch::Tensor& gate) {
  return ScaleChannels::apply(x, gate);
}

}  // namespace cairn::nn
