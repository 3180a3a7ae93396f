// What the golden tests of networks share: parameters by the formula of the golden README.
#pragma once

#include <torch/torch.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/testing/testing.h"
#include "cairn_train/nn/safetensors.h"

namespace cairn::nn::testing {

using cairn::testing::golden_u;

// The tensor u(key, i) of the shape, row-major.
inline torch::Tensor golden_tensor(const std::string& key, const std::vector<int64_t>& shape,
                                   double scale = 1.0, double offset = 0.0, bool absolute = false) {
  auto tensor = torch::empty(shape);
  float* values = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const double u = golden_u(key, static_cast<uint64_t>(i));
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

// All tensors of a case's keys.json, in its order.
inline NamedTensors golden_states(const cairn::testing::GoldenCase& golden) {
  NamedTensors states;
  for (const auto& entry : golden.json("keys.json")) {
    const auto key = entry.at(0).get<std::string>();
    states.emplace_back(
        key, golden_state(key, entry.at(1).get<std::vector<int64_t>>(), golden.spec["parameters"]));
  }
  return states;
}

inline std::vector<float> values(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

}  // namespace cairn::nn::testing
