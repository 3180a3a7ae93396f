#include "cairn_train/run/optimiser.h"

#include <cmath>

#include "cairn/base/error.h"

namespace cairn::run {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

// The gradient in the parameter's own memory layout, so that element i of one is element i of the
// other.
torch::Tensor aligned_gradient(const torch::Tensor& parameter) {
  const torch::Tensor gradient = parameter.grad();
  if (gradient.strides() == parameter.strides()) return gradient;
  torch::Tensor copy = torch::empty_like(parameter);
  copy.copy_(gradient);
  return copy;
}

float* floats(const torch::Tensor& tensor) { return tensor.data_ptr<float>(); }

}  // namespace

Optimiser::Optimiser(const OptimiserOptions& options, std::vector<TrainedParameter> parameters)
    : options_(options) {
  for (TrainedParameter& parameter : parameters) {
    const torch::Tensor& tensor = parameter.tensor;
    CAIRN_ASSERT(tensor.scalar_type() == torch::kFloat && tensor.is_non_overlapping_and_dense());
    Slot slot{parameter, torch::zeros_like(tensor), {}, 0};
    if (options_.type == "adamw") slot.second = torch::zeros_like(tensor);
    if (tensor.dim() > 1) slot.decay = options_.weight_decay;
    slots_.push_back(std::move(slot));
  }
}

void Optimiser::zero_grad() {
  for (Slot& slot : slots_) {
    if (slot.parameter.tensor.grad().defined()) slot.parameter.tensor.mutable_grad().zero_();
  }
}

double Optimiser::gradient_norm() const {
  double sum = 0;
  for (const Slot& slot : slots_) {
    const torch::Tensor& gradient = slot.parameter.tensor.grad();
    if (!gradient.defined()) continue;
    const double norm = gradient.norm().item<float>();
    sum += norm * norm;
  }
  return std::sqrt(sum);
}

double Optimiser::step(double lr) {
  const torch::NoGradGuard no_grad;
  const double norm = gradient_norm();
  if (!std::isfinite(norm)) return norm;
  ++steps_;
  const bool too_long = options_.clip > 0 && norm > options_.clip;
  const auto shrink = static_cast<float>(too_long ? options_.clip / norm : 1.0);
  for (Slot& slot : slots_) {
    if (!slot.parameter.tensor.grad().defined()) continue;
    const double own_lr = lr * slot.parameter.lr_factor;
    if (options_.type == "adamw")
      adamw(slot, own_lr, shrink);
    else
      sgd(slot, own_lr, shrink);
  }
  return norm;
}

void Optimiser::adamw(Slot& slot, double lr, float shrink) const {
  const torch::Tensor gradient = aligned_gradient(slot.parameter.tensor);
  const float* g = floats(gradient);
  float* w = floats(slot.parameter.tensor);
  float* m = floats(slot.first);
  float* v = floats(slot.second);
  const auto steps = static_cast<double>(steps_);
  const auto rate = static_cast<float>(lr / (1 - std::pow(kBeta1, steps)));
  const auto root = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, steps)));
  const auto keep = static_cast<float>(1 - lr * slot.decay);
  constexpr auto kKeep1 = static_cast<float>(kBeta1);
  constexpr auto kKeep2 = static_cast<float>(kBeta2);
  const int64_t count = slot.parameter.tensor.numel();
  for (int64_t i = 0; i < count; ++i) {
    const float gi = g[i] * shrink;
    m[i] = kKeep1 * m[i] + (1 - kKeep1) * gi;
    v[i] = kKeep2 * v[i] + (1 - kKeep2) * gi * gi;
    w[i] = w[i] * keep - rate * m[i] / (std::sqrt(v[i]) * root + static_cast<float>(kEpsilon));
  }
}

void Optimiser::sgd(Slot& slot, double lr, float shrink) const {
  const torch::Tensor gradient = aligned_gradient(slot.parameter.tensor);
  const float* g = floats(gradient);
  float* w = floats(slot.parameter.tensor);
  float* m = floats(slot.first);
  const auto rate = static_cast<float>(lr);
  const auto decay = static_cast<float>(slot.decay);
  const auto momentum = static_cast<float>(options_.momentum);
  const int64_t count = slot.parameter.tensor.numel();
  for (int64_t i = 0; i < count; ++i) {
    const float gi = g[i] * shrink + decay * w[i];
    m[i] = momentum * m[i] + gi;
    w[i] -= rate * (options_.nesterov ? gi + momentum * m[i] : m[i]);
  }
}

nn::NamedTensors Optimiser::state() const {
  nn::NamedTensors state;
  for (const Slot& slot : slots_) {
    state.emplace_back(slot.parameter.name + ".first", slot.first);
    if (slot.second.defined()) state.emplace_back(slot.parameter.name + ".second", slot.second);
  }
  return state;
}

}  // namespace cairn::run
