#include "cairn_train/nn/safetensors.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/mapped_file.h"
#include "cairn/weights/safetensors.h"
#include "cairn_train/nn/stored_weights.h"

namespace cairn::nn {
namespace {

struct ElementType {
  const char* name;
  torch::ScalarType type;
};

constexpr ElementType kTypes[] = {
    {"F32", torch::kFloat32}, {"F16", torch::kFloat16}, {"I64", torch::kInt64}};

const ElementType& stored_type(const std::string& name, const torch::Tensor& tensor, bool half) {
  if (tensor.scalar_type() == torch::kInt64) return kTypes[2];
  if (!tensor.is_floating_point()) {
    throw Error(fmt::format("tensor {}: only floating and int64 tensors can be saved", name));
  }
  return kTypes[half ? 1 : 0];
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata, bool half) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header[weights::kSafetensorsMetadata] = metadata;
  std::vector<torch::Tensor> stored;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const ElementType& type = stored_type(name, tensor, half);
    stored.push_back(tensor.detach().to(torch::kCPU, type.type).contiguous());
    if (type.type == torch::kFloat16 &&
        !torch::equal(stored.back().isfinite(), tensor.detach().to(torch::kCPU).isfinite())) {
      throw Error(fmt::format("tensor {}: has values that float16 cannot hold", name));
    }
    const uint64_t end = offset + stored.back().nbytes();
    if (name == weights::kSafetensorsMetadata || header.contains(name)) {
      throw Error(fmt::format("tensor {}: the name is taken", name));
    }
    header[name] = {
        {"dtype", type.name}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // aligns the data
  write_stream_atomically(path, [&](std::ostream& out) {
    uint64_t length = text.size();
    for (int i = 0; i < 8; ++i, length >>= 8) out.put(static_cast<char>(length & 0xff));
    out << text;
    for (const auto& tensor : stored) {
      out.write(static_cast<const char*>(tensor.data_ptr()),
                static_cast<std::streamsize>(tensor.nbytes()));
    }
  });
}

Safetensors load_safetensors(const std::filesystem::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  weights::SafetensorsView view = weights::parse_safetensors(file->bytes(), path.string());
  Safetensors result{{}, std::move(view.metadata)};
  for (const weights::NamedTensor& weight : view.tensors) {
    torch::Tensor tensor = as_torch(weight.tensor, file);
    const bool half =
        tensor.scalar_type() == torch::kFloat16 || tensor.scalar_type() == torch::kBFloat16;
    result.tensors.emplace_back(weight.name, half ? tensor.to(torch::kFloat32) : tensor);
  }
  return result;
}

}  // namespace cairn::nn
