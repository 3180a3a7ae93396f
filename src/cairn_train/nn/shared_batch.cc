#include "cairn_train/nn/shared_batch.h"

#include <cmath>
#include <cstring>

#include "cairn_train/nn/norm_activation.h"

namespace cairn::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

std::vector<int64_t> all_but_channels(const torch::Tensor& x) {
  std::vector<int64_t> dims;
  for (int64_t d = 0; d < x.dim(); ++d)
    if (d != 1) dims.push_back(d);
  return dims;
}

torch::Tensor by_channel(const torch::Tensor& values, const torch::Tensor& x) {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[1] = -1;
  return values.to(x.device(), torch::kFloat).view(shape);
}

std::vector<double> doubles(const torch::Tensor& tensor) {
  const torch::Tensor on_cpu = tensor.to(torch::kCPU, torch::kFloat64).contiguous();
  const double* const begin = on_cpu.data_ptr<double>();
  return {begin, begin + on_cpu.numel()};
}

class SharedNorm : public torch::autograd::Function<SharedNorm> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& input,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               const NormState* state) {
    const torch::Tensor x = input.to(torch::kFloat);
    const std::vector<int64_t> dims = all_but_channels(x);
    const double rows = static_cast<double>(x.numel()) / static_cast<double>(x.size(1));
    Spread own{rows, {}, {}};
    const torch::Tensor own_mean =
        x.sum(dims, /*keepdim=*/false, torch::kFloat64) / std::max(1.0, rows);
    own.means = doubles(own_mean);
    own.squares = doubles(
        (x - by_channel(own_mean, x)).square().sum(dims, /*keepdim=*/false, torch::kFloat64));
    const Spread all = join(own, *state->shared);
    const auto tensor = [](const std::vector<double>& values) {
      return torch::tensor(values, torch::kFloat64);
    };
    const torch::Tensor mean = tensor(all.means);
    const torch::Tensor variance = tensor(all.squares) / all.count;
    const torch::Tensor inverse = (variance + state->eps).rsqrt();
    update_running(*state, mean, variance, all.count);
    context->save_for_backward({x, weight, by_channel(mean, x), by_channel(inverse, x)});
    context->saved_data["shared"] = reinterpret_cast<int64_t>(state->shared);
    context->saved_data["rows"] = all.count;
    const torch::Tensor scale = by_channel(inverse, x) * by_channel(weight, x);
    return ((x - by_channel(mean, x)) * scale + by_channel(bias, x)).to(input.scalar_type());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& x = saved[0];
    const torch::Tensor gradient = gradients[0].to(torch::kFloat);
    const torch::Tensor normal = (x - saved[2]) * saved[3];
    const std::vector<int64_t> dims = all_but_channels(x);
    const torch::Tensor own =
        torch::stack({gradient.sum(dims, /*keepdim=*/false, torch::kFloat64),
                      (gradient * normal).sum(dims, /*keepdim=*/false, torch::kFloat64)})
            .cpu();
    // What autograd saves are numbers.
    const auto* const shared =
        reinterpret_cast<const SharedBatch*>(  // NOLINT(performance-no-int-to-ptr)
            context->saved_data["shared"].toInt());
    const torch::Tensor means = shared->gather(own.view({-1})).sum(0).view({2, -1}) /
                                context->saved_data["rows"].toDouble();
    const torch::Tensor dx =
        by_channel(saved[1], x) * saved[3] *
        (gradient - by_channel(means[0], x) - normal * by_channel(means[1], x));
    const auto to_parameter = [&](const torch::Tensor& sum) {
      return sum.to(saved[1].device(), torch::kFloat);
    };
    return {dx.to(gradients[0].scalar_type()), to_parameter(own[1]), to_parameter(own[0]), {}};
  }
};

}  // namespace

Spread join(const Spread& own, const SharedBatch& batch) {
  const size_t channels = own.means.size();
  torch::Tensor numbers =
      torch::empty({static_cast<int64_t>(1 + 2 * channels)}, torch::TensorOptions(torch::kFloat64));
  double* const to = numbers.data_ptr<double>();
  to[0] = own.count;
  std::copy(own.means.begin(), own.means.end(), to + 1);
  std::copy(own.squares.begin(), own.squares.end(), to + 1 + channels);
  const torch::Tensor all = batch.gather(numbers).contiguous();
  Spread joined{0, std::vector<double>(channels), std::vector<double>(channels)};
  for (int64_t r = 0; r < all.size(0); ++r) {
    const double* const from = all.data_ptr<double>() + r * numbers.numel();
    if (from[0] == 0) continue;
    const double before = joined.count;
    joined.count += from[0];
    const double share = from[0] / joined.count;
    for (size_t c = 0; c < channels; ++c) {
      const double delta = from[1 + c] - joined.means[c];
      joined.means[c] += delta * share;
      joined.squares[c] += from[1 + channels + c] + delta * delta * before * share;
    }
  }
  return joined;
}

torch::Tensor shared_batch_norm(const torch::Tensor& x, const NormState& state) {
  return SharedNorm::apply(x, state.weight, state.bias, &state);
}

}  // namespace cairn::nn
