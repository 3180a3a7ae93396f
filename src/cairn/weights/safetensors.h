// The safetensors file format: an 8-byte little-endian length, a JSON header
// {"name": {"dtype", "shape", "data_offsets"}, …, "__metadata__": {…}}, and the elements.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "cairn/weights/stored_tensor.h"

namespace cairn::weights {

inline constexpr const char* kSafetensorsMetadata = "__metadata__";

struct SafetensorsView {
  std::vector<NamedTensor> tensors;  // in the order of their data; views of the bytes
  std::map<std::string, std::string> metadata;
};

// Throws Error ("where: …") on anything that is not a whole, well-formed file: every byte of the
// data belongs to just one tensor.
SafetensorsView parse_safetensors(std::span<const uint8_t> bytes, const std::string& where);

}  // namespace cairn::weights
