// The safetensors file format: an 8-byte little-endian length, a JSON header
// {"name": {"dtype", "shape", "data_offsets"}, …, "__metadata__": {…}}, and the elements.
//
//   save_safetensors("starter.safetensors", state_dict(net), {{"recipe", "starter"}},
//   /*half=*/true); const auto report = load_state(net,
//   load_safetensors("starter.safetensors").tensors,
//                                  Strictness::kLenient);            // weights.h
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cairn::nn {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

struct Safetensors {
  NamedTensors tensors;  // in the order of their data in the file; float16 is read as float32
  std::map<std::string, std::string> metadata;
};

// Writes atomically, in the order given. Floating tensors become F32, or F16 with `half`; int64
// stays I64. Throws Error for other types, doubled names, and values that float16 cannot hold.
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {}, bool half = false);

// Reads F32, F16 and I64 tensors. Throws Error that names the file on anything that is not a whole,
// well-formed file; memory is bounded by the file's size.
Safetensors load_safetensors(const std::filesystem::path& path);
Safetensors parse_safetensors(std::span<const uint8_t> bytes, const std::string& where);

}  // namespace cairn::nn
