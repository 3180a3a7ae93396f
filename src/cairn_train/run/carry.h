// Class centres of an earlier run, for the landmarks that a new one has too.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace cairn::run {

// Copies the centres of `weights` (a run's weights.safetensors: head.weight, and its landmarks in
// the metadata) to the rows of the same landmarks in `centres`, (landmarks·k)×D, class-major; rows
// of other landmarks stay. Returns how many landmarks were found. Throws Error where the file has
// no classifier, or one with another k or D.
int64_t carry_centres(const std::filesystem::path& weights, const std::vector<int64_t>& landmarks,
                      torch::Tensor centres);

}  // namespace cairn::run
