// What a run trains, and how the learning rates differ.
#pragma once

#include <vector>

#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/optim/optimiser.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

// The network's parameters as "net.…" and those of the objective's module (null: none) as "head.…".
// Biases, the head and the centres of the centre loss have their own rates.
std::vector<optim::TrainedParameter> trained_parameters(const Recipe& recipe,
                                                        const nn::EmbeddingNet& net,
                                                        const torch::nn::Module* objective);

}  // namespace cairn::run
