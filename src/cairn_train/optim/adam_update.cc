#include <torch/torch.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn_train/optim/optimiser.h"

namespace cairn::optim {
namespace {

constexpr int64_t kGrain = int64_t{1} << 16;  // numbers a thread takes at least

// Numbers [begin, end) of a tensor, whose gradients are lowered by `mean`.
struct Span {
  float* weights;
  const float* gradient;
  float* first;
  float* second;
};

void update_span(const Span& s, int64_t begin, int64_t end, float mean, const UpdateRule& r) {
  for (int64_t i = begin; i < end; ++i) {
    const float g = s.gradient[i] * r.shrink - mean + r.l2 * s.weights[i];
    s.first[i] = r.beta1 * s.first[i] + (1 - r.beta1) * g;
    s.second[i] = r.beta2 * s.second[i] + (1 - r.beta2) * g * g;
    const float below = r.adaptive ? std::sqrt(s.second[i]) * r.root + r.epsilon : 1.0F;
    s.weights[i] = s.weights[i] * r.keep - r.rate * s.first[i] / below;
  }
}

float mean_of(const float* values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += values[i];
  return static_cast<float>(sum / static_cast<double>(count));
}

}  // namespace

void adam_update(const torch::Tensor& weights, const torch::Tensor& gradient,
                 const torch::Tensor& first, const torch::Tensor& second, const UpdateRule& rule) {
  const Span all{weights.data_ptr<float>(), gradient.data_ptr<float>(), first.data_ptr<float>(),
                 second.data_ptr<float>()};
  const int64_t count = weights.numel();
  if (!rule.centralise) {
    at::parallel_for(0, count, kGrain,
                     [&](int64_t begin, int64_t end) { update_span(all, begin, end, 0, rule); });
    return;
  }
  const int64_t rows = weights.size(0);
  const int64_t length = count / rows;
  // With the first dimension outermost in memory, a row is one piece, however the others lie.
  CAIRN_ASSERT(rows == 1 || weights.stride(0) == length);
  at::parallel_for(0, rows, std::max<int64_t>(1, kGrain / length), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; ++row) {
      const float mean = mean_of(all.gradient + row * length, length) * rule.shrink;
      update_span(all, row * length, (row + 1) * length, mean, rule);
    }
  });
}

void adam_update_anywhere(const torch::Tensor& weights, const torch::Tensor& gradient,
                          const torch::Tensor& first, const torch::Tensor& second,
                          const UpdateRule& rule) {
  torch::Tensor g = gradient * rule.shrink;
  if (rule.centralise) {
    std::vector<int64_t> others;
    for (int64_t dim = 1; dim < g.dim(); ++dim) others.push_back(dim);
    g = g - g.mean(others, /*keepdim=*/true);
  }
  g = g + weights * rule.l2;
  first.mul_(rule.beta1).add_(g, 1 - rule.beta1);
  second.mul_(rule.beta2).addcmul_(g, g, 1 - rule.beta2);
  weights.mul_(rule.keep);
  if (rule.adaptive)
    weights.addcdiv_(first, second.sqrt() * rule.root + rule.epsilon, -rule.rate);
  else
    weights.add_(first, -rule.rate);
}

}  // namespace cairn::optim
