// What the golden tests of networks share: parameters by the formula of the golden README.
#pragma once

#include <torch/torch.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/base/testing/testing.h"
#include "cairn_train/nn/embedding_net.h"

namespace cairn::nn::testing {

// The tensor u(key, i) of the shape, row-major.
inline torch::Tensor golden_tensor(const std::string& key, const std::vector<int64_t>& shape,
                                   double scale = 1.0, double offset = 0.0, bool absolute = false) {
  auto tensor = torch::empty(shape);
  float* values = tensor.data_ptr<float>();
  Rng rng(fnv1a(key));  // golden_u(key, 0), golden_u(key, 1), … from the same generator
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const double u = rng.uniform() * 2.0 - 1.0;
    values[i] = static_cast<float>((absolute ? std::abs(u) : u) * scale + offset);
  }
  return tensor;
}

inline bool contains(const nlohmann::json& list, const std::string& key) {
  return list.is_array() && std::find(list.begin(), list.end(), key) != list.end();
}

// The value of one key of a state dict; parameters are case.json's "parameters".
inline torch::Tensor golden_state(const std::string& key, const std::vector<int64_t>& shape,
                                  const nlohmann::json& parameters) {
  const auto list = [&](const char* name) {
    return parameters.value(name, nlohmann::json::array());
  };
  if (key.ends_with("num_batches_tracked")) return torch::zeros(shape, torch::kInt64);
  if (key.ends_with("running_mean")) return golden_tensor(key, shape, 0.1);
  if (key.ends_with("running_var")) return golden_tensor(key, shape, 0.5, 1.0, true);
  if (shape.size() >= 2) {
    double fan_in = 1;
    for (size_t d = 1; d < shape.size(); ++d) fan_in *= static_cast<double>(shape[d]);
    const double factor = shape.size() == 4 ? parameters.value("conv_weight_factor", 1.0) : 1.0;
    return golden_tensor(key, shape, std::sqrt(3.0 / fan_in) * factor);
  }
  if (contains(list("gem_p_keys"), key)) return torch::full(shape, 3.0f);
  if (contains(list("prelu_keys"), key)) return golden_tensor(key, shape, 0.1, 0.25);
  if (shape.size() == 1 && key.ends_with("weight")) return golden_tensor(key, shape, 0.1, 1.0);
  return golden_tensor(key, shape, 0.1);
}

// Gives the network the formula's values.
inline void fill_with_golden(const torch::nn::Module& net, const nlohmann::json& parameters) {
  const torch::NoGradGuard no_grad;
  for (auto& [key, tensor] : state_dict(net))
    tensor.copy_(golden_state(key, tensor.sizes().vec(), parameters));
}

inline std::vector<float> values(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

}  // namespace cairn::nn::testing
