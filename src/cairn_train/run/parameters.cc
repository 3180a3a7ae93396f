#include "cairn_train/run/parameters.h"

#include "cairn_train/run/metric.h"

namespace cairn::run {

std::vector<optim::TrainedParameter> trained_parameters(const Recipe& recipe,
                                                        const nn::EmbeddingNet& net,
                                                        const torch::nn::Module* objective) {
  const optim::OptimiserOptions& options = recipe.optimiser;
  std::vector<optim::TrainedParameter> parameters;
  for (const auto& entry : net.named_parameters()) {
    optim::TrainedParameter parameter{"net." + entry.key(), entry.value()};
    // The reference's rule: wherever the word is in the name.
    if (entry.key().find("bias") != std::string::npos) {
      parameter.lr_factor = options.bias_lr_factor;
      if (options.bias_weight_decay >= 0) parameter.weight_decay = options.bias_weight_decay;
    }
    parameters.push_back(std::move(parameter));
  }
  if (objective == nullptr) return parameters;
  for (const auto& entry : objective->named_parameters()) {
    optim::TrainedParameter parameter{"head." + entry.key(), entry.value(), options.head_lr_factor};
    if (entry.key().starts_with(kCenterPrefix)) parameter.own_lr = recipe.center.lr;
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

}  // namespace cairn::run
