// A training stage starts its classifier where an earlier one left it, also among more landmarks.
#pragma once

#include <torch/torch.h>

#include <span>
#include <string>
#include <vector>

namespace cairn::run {

// Copies the centres that the classifier in `init` (weights of a run, an imported or a PyTorch
// checkpoint) has for these landmarks into their rows of `weight`, (landmarks·centres)×D. Which row
// is whose: by landmark id where the file has cairn.labels; otherwise class `first` + i is
// landmarks[i], and classes beyond the file's are new. Returns the rows that were copied. Throws
// Error where the file has no classifier of this D and number of centres.
std::vector<int64_t> carry_over_head(const std::string& init, std::span<const int64_t> landmarks,
                                     int64_t first, torch::Tensor& weight);

}  // namespace cairn::run
