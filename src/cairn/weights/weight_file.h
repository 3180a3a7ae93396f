// Files of weights, told apart by their first bytes: safetensors, or torch.save's two formats.
//
//   const WeightFile file = load_weights("R101ibn.pth");
//   for (const NamedTensor& weight : file.tensors) …
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/weights/stored_tensor.h"

namespace cairn::weights {

struct WeightFile {
  std::vector<NamedTensor> tensors;             // names differ; in the file's order
  std::vector<std::string> others;              // names in the state dict that are no tensors
  std::map<std::string, std::string> metadata;  // safetensors only
  std::string key;                    // the entry of a training checkpoint that was taken, or ""
  std::shared_ptr<const void> owner;  // keeps the tensors' data
};

// The state dict of a file. A training checkpoint {"state_dict": {…}, "optimizer": …, "epoch": …}
// holds it under an entry: `key`, or without one the first of state_dict, model_state_dict, model,
// net, network, module, weights, params that is one, or the only one that is one. Throws Error
// that names the file, and its entries where none can be chosen.
WeightFile load_weights(const std::filesystem::path& path, const std::string& key = "");

// The same of bytes, which the caller keeps; `where` is their name in errors.
WeightFile parse_weights(std::span<const uint8_t> bytes, const std::string& where,
                         const std::string& key = "");

// Takes "module." (DataParallel) and "_orig_mod." (torch.compile) off all names, as often as every
// one begins with it. Returns what was taken off.
std::string strip_wrappers(WeightFile& file);

}  // namespace cairn::weights
