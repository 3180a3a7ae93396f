#include "cairn_train/nn/stored_weights.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <utility>

#include "cairn/base/error.h"

namespace cairn::nn {
namespace {

torch::ScalarType type_of(weights::DType dtype) {
  using enum weights::DType;
  switch (dtype) {
    case kFloat16:
      return torch::kFloat16;
    case kBFloat16:
      return torch::kBFloat16;
    case kFloat32:
      return torch::kFloat32;
    case kFloat64:
      return torch::kFloat64;
    case kInt8:
      return torch::kInt8;
    case kInt16:
      return torch::kInt16;
    case kInt32:
      return torch::kInt32;
    case kInt64:
      return torch::kInt64;
    case kUint8:
      return torch::kUInt8;
    case kBool:
      return torch::kBool;
  }
  CAIRN_ASSERT(false);
}

bool is_finite(const torch::Tensor& tensor) {
  if (!tensor.is_floating_point()) return true;
  return std::isfinite(tensor.sum(torch::kFloat64).item<double>()) ||
         tensor.isfinite().all().item<bool>();
}

}  // namespace

torch::Tensor as_torch(const weights::StoredTensor& stored, std::shared_ptr<const void> owner) {
  const torch::TensorOptions options(type_of(stored.dtype));
  const int64_t element = weights::size_of(stored.dtype);
  if (reinterpret_cast<uintptr_t>(stored.data.data()) % static_cast<uintptr_t>(element) != 0) {
    auto bytes = torch::empty({static_cast<int64_t>(stored.data.size()) / element}, options);
    std::memcpy(bytes.data_ptr(), stored.data.data(), bytes.nbytes());
    return bytes.as_strided(stored.shape, stored.strides);
  }
  if (stored.data.empty()) return torch::empty(stored.shape, options);
  // The pages are private to this process and writable (MappedFile).
  auto* data = const_cast<uint8_t*>(stored.data.data());
  return torch::from_blob(
      data, stored.shape, stored.strides, [kept = std::move(owner)](void*) {}, options);
}

StoredWeights load_weights(const std::filesystem::path& path, const std::string& key) {
  weights::WeightFile file = weights::load_weights(path, key);
  StoredWeights result;
  result.stripped = weights::strip_wrappers(file);
  for (weights::NamedTensor& weight : file.tensors)
    result.tensors.emplace_back(std::move(weight.name), as_torch(weight.tensor, file.owner));
  for (const auto& [name, tensor] : result.tensors)
    if (!is_finite(tensor))
      throw Error(fmt::format("{}: the tensor {} holds NaN or infinity", path.string(), name));
  result.others = std::move(file.others);
  result.metadata = std::move(file.metadata);
  result.key = std::move(file.key);
  return result;
}

}  // namespace cairn::nn
