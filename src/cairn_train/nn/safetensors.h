// safetensors files as tensors of LibTorch. The format and its reader: cairn/weights/safetensors.h.
//
//   save_safetensors("starter.safetensors", state_dict(net), {{"recipe", "starter"}});
//   const auto report = load_state(net, load_safetensors("starter.safetensors").tensors,
//                                  Strictness::kLenient);  // weights.h
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cairn::nn {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

struct Safetensors {
  NamedTensors tensors;  // in the order of their data in the file; halves are read as float32
  std::map<std::string, std::string> metadata;
};

// Writes atomically, in the order given. Floating tensors become F32, or F16 with `half`; int64
// stays I64. Throws Error for other types, doubled names, and values that float16 cannot hold.
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {}, bool half = false);

// Throws Error that names the file on anything that is not a whole, well-formed file. The tensors
// show the file's pages; writing to them leaves the file alone.
Safetensors load_safetensors(const std::filesystem::path& path);

}  // namespace cairn::nn
