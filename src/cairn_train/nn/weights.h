// Puts saved tensors into a module's parameters and buffers. Files: safetensors.h.
#pragma once

#include <string>
#include <vector>

#include "cairn_train/nn/safetensors.h"

namespace cairn::nn {

enum class Strictness {
  kStrict,   // every key of the module and of the tensors must match, or nothing is changed
  kLenient,  // what fits is loaded; the report tells the rest
};

// What load_state did, keys in the module's or the tensors' order.
struct LoadReport {
  size_t loaded = 0;                    // tensors that were copied
  std::vector<std::string> missing;     // in the module, not among the tensors
  std::vector<std::string> unexpected;  // among the tensors, not in the module
  std::vector<std::string> mis_shaped;  // "key: 512x1280 in the file, 256x1280 in the network"
  bool complete() const { return missing.empty() && unexpected.empty() && mis_shaped.empty(); }
  // "loaded 367 tensors; missing 2 (classifier.weight, …)": one line for a log or an error.
  std::string summary() const;
};

// Copies the tensors into the module by state_dict key; types are converted. kStrict throws Error
// with the summary where anything does not match.
LoadReport load_state(const torch::nn::Module& module, const NamedTensors& tensors,
                      Strictness strictness);

}  // namespace cairn::nn
