// The tensors of any file of weights (PyTorch's two formats, safetensors) for LibTorch.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cairn/weights/weight_file.h"
#include "cairn_train/nn/safetensors.h"

namespace cairn::nn {

// A tensor of the same shape, strides and type that shows the stored bytes and keeps `owner`;
// a copy where the bytes are not aligned.
torch::Tensor as_torch(const weights::StoredTensor& stored, std::shared_ptr<const void> owner);

struct StoredWeights {
  NamedTensors tensors;                         // wrappers' prefixes ("module.") taken off
  std::vector<std::string> others;              // names in the state dict that are no tensors
  std::map<std::string, std::string> metadata;  // safetensors only
  std::string key;                              // the training checkpoint's entry, or ""
  std::string stripped;                         // what was taken off the names, or ""
};

// See weights::load_weights. The tensors keep their stored types and show the file's pages.
StoredWeights load_weights(const std::filesystem::path& path, const std::string& key = "");

}  // namespace cairn::nn
