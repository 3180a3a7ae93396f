#include "cairn_train/optim/optimiser.h"

#include <cmath>

#include "cairn/base/error.h"

namespace cairn::optim {
namespace {

// The gradient in the parameter's own memory layout, so that element i of one is element i of the
// other.
torch::Tensor aligned_gradient(const torch::Tensor& parameter) {
  const torch::Tensor gradient = parameter.grad();
  if (gradient.strides() == parameter.strides()) return gradient;
  torch::Tensor copy = torch::empty_like(parameter);
  copy.copy_(gradient);
  return copy;
}

// The step size of rectified Adam over the rate, and whether the second moment is to be used yet.
std::pair<double, bool> rectified_step(double steps, double beta1, double beta2) {
  constexpr double kLeastLength = 5;  // of the averaged past, below which its variance is unknown
  const double decayed = std::pow(beta2, steps);
  const double longest = 2 / (1 - beta2) - 1;
  const double length = longest - 2 * steps * decayed / (1 - decayed);
  const double unbiased = 1 / (1 - std::pow(beta1, steps));
  if (length <= kLeastLength) return {unbiased, false};
  const double variance = (1 - decayed) * (length - 4) / (longest - 4) * (length - 2) / length *
                          longest / (longest - 2);
  return {std::sqrt(variance) * unbiased, true};
}

}  // namespace

Optimiser::Optimiser(const OptimiserOptions& options, std::vector<TrainedParameter> parameters,
                     std::function<double(double, double)> sum)
    : options_(options), sum_(std::move(sum)) {
  if (options_.beta1 == 0) options_.beta1 = ranger() ? 0.95 : 0.9;
  if (options_.epsilon == 0) options_.epsilon = ranger() ? 1e-5 : 1e-8;
  for (TrainedParameter& parameter : parameters) {
    const torch::Tensor& tensor = parameter.tensor;
    CAIRN_ASSERT(tensor.scalar_type() == torch::kFloat && tensor.is_non_overlapping_and_dense());
    if (parameter.own_lr > 0) {
      slots_.push_back({parameter, {}, {}, {}, 0});
      continue;
    }
    Slot slot{parameter, torch::zeros_like(tensor), {}, {}, 0};
    if (options_.type != "sgd") slot.second = torch::zeros_like(tensor);
    if (ranger()) slot.slow = torch::zeros_like(tensor);
    const bool decays = tensor.dim() > 1 || options_.decay_vectors;
    slot.decay = parameter.weight_decay.value_or(decays ? options_.weight_decay : 0);
    slots_.push_back(std::move(slot));
  }
}

void Optimiser::zero_grad() {
  for (Slot& slot : slots_) {
    if (slot.parameter.tensor.grad().defined()) slot.parameter.tensor.mutable_grad().zero_();
  }
}

void Optimiser::scale_gradients(double factor) {
  for (Slot& slot : slots_) {
    if (slot.parameter.tensor.grad().defined()) slot.parameter.tensor.mutable_grad().mul_(factor);
  }
}

double Optimiser::gradient_norm() const {
  double sum = 0;
  double split_sum = 0;
  for (const Slot& slot : slots_) {
    const torch::Tensor& gradient = slot.parameter.tensor.grad();
    if (!gradient.defined() || slot.parameter.own_lr > 0) continue;
    const double norm = gradient.norm().item<float>();
    (slot.parameter.split ? split_sum : sum) += norm * norm;
  }
  return std::sqrt(sum_ ? sum_(sum, split_sum) : sum + split_sum);
}

double Optimiser::step(double lr) {
  const torch::NoGradGuard no_grad;
  const double norm = gradient_norm();
  if (!std::isfinite(norm)) return norm;
  // Not at construction: the weights may have been set since.
  if (steps_ == 0 && ranger())
    for (Slot& slot : slots_)
      if (slot.slow.defined()) slot.slow.copy_(slot.parameter.tensor);
  ++steps_;
  const bool too_long = options_.clip > 0 && norm > options_.clip;
  const auto shrink = static_cast<float>(too_long ? options_.clip / norm : 1.0);
  for (Slot& slot : slots_) {
    const torch::Tensor& weights = slot.parameter.tensor;
    if (!weights.grad().defined()) continue;
    if (slot.parameter.own_lr > 0) {
      torch::Tensor(weights).add_(weights.grad(), -slot.parameter.own_lr);
      continue;
    }
    const double own_lr = lr * slot.parameter.lr_factor;
    if (options_.type == "sgd") {
      sgd(slot, own_lr, shrink);
      continue;
    }
    UpdateRule rule = adam_rule(slot, own_lr);
    rule.shrink = shrink;
    const auto update = weights.is_cpu() ? adam_update : adam_update_anywhere;
    update(weights, aligned_gradient(weights), slot.first, slot.second, rule);
    if (ranger() && steps_ % options_.lookahead_steps == 0) look_ahead(slot);
  }
  return norm;
}

UpdateRule Optimiser::adam_rule(const Slot& slot, double lr) const {
  const auto steps = static_cast<double>(steps_);
  const int64_t dims = slot.parameter.tensor.dim();
  UpdateRule rule;
  rule.beta1 = static_cast<float>(options_.beta1);
  rule.beta2 = static_cast<float>(options_.beta2);
  rule.epsilon = static_cast<float>(options_.epsilon);
  if (options_.type == "adam")
    rule.l2 = static_cast<float>(slot.decay);
  else
    rule.keep = static_cast<float>(1 - lr * slot.decay);
  if (ranger()) {
    const auto [step_size, adaptive] = rectified_step(steps, options_.beta1, options_.beta2);
    rule.rate = static_cast<float>(lr * step_size);
    rule.adaptive = adaptive;
    rule.centralise = (options_.centralise == "all" && dims > 1) ||
                      (options_.centralise == "filters" && dims > 3);
  } else {
    rule.rate = static_cast<float>(lr / (1 - std::pow(options_.beta1, steps)));
    rule.root = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, steps)));
  }
  return rule;
}

void Optimiser::look_ahead(Slot& slot) const {
  slot.slow.add_(slot.parameter.tensor - slot.slow, options_.lookahead_share);
  slot.parameter.tensor.copy_(slot.slow);
}

void Optimiser::sgd(Slot& slot, double lr, float shrink) const {
  const torch::Tensor& weights = slot.parameter.tensor;
  torch::Tensor gradient = aligned_gradient(weights) * shrink;
  if (slot.decay > 0) gradient.add_(weights, slot.decay);
  slot.first.mul_(options_.momentum).add_(gradient);
  if (options_.nesterov)
    weights.add_(gradient.add_(slot.first, options_.momentum), -lr);
  else
    weights.add_(slot.first, -lr);
}

std::vector<OptimiserTensor> Optimiser::state() const {
  std::vector<OptimiserTensor> state;
  for (const Slot& slot : slots_) {
    const auto add = [&](const char* name, const torch::Tensor& tensor) {
      if (tensor.defined())
        state.push_back({slot.parameter.name + name, tensor, slot.parameter.split});
    };
    add(".first", slot.first);
    add(".second", slot.second);
    add(".slow", slot.slow);
  }
  return state;
}

}  // namespace cairn::optim
