#include "cairn/engine/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "cairn/base/error.h"

namespace cairn::engine {

namespace {

constexpr std::align_val_t kAlignment{64};
constexpr size_t kMaxElements = size_t{1} << 48;

std::atomic<size_t>& limit() {
  static std::atomic<size_t> bytes{kDefaultTensorLimit};
  return bytes;
}

std::shared_ptr<void> allocate(size_t bytes) {
  // Rounded up so that kernels may read whole cache lines, and never empty.
  const size_t rounded = (bytes / 64 + 1) * 64;
  return {::operator new(rounded, kAlignment), [](void* p) { ::operator delete(p, kAlignment); }};
}

template <typename T>
Tensor copy_of(DType type, Shape shape, std::span<const T> values) {
  Tensor tensor(type, std::move(shape));
  if (tensor.count() != values.size()) {
    throw Error(fmt::format("a tensor of shape {} needs {} values, not {}",
                            to_string(tensor.shape()), tensor.count(), values.size()));
  }
  std::copy(values.begin(), values.end(), tensor.data<T>());
  return tensor;
}

}  // namespace

size_t element_size(DType type) {
  switch (type) {
    case DType::kF64:
    case DType::kI64:
    case DType::kU64:
      return 8;
    case DType::kF32:
    case DType::kI32:
    case DType::kU32:
      return 4;
    case DType::kF16:
    case DType::kI16:
    case DType::kU16:
      return 2;
    case DType::kI8:
    case DType::kU8:
    case DType::kBool:
      return 1;
  }
  CAIRN_ASSERT(false);
  return 0;
}

const char* dtype_name(DType type) {
  switch (type) {
    case DType::kF32:
      return "float32";
    case DType::kF64:
      return "float64";
    case DType::kF16:
      return "float16";
    case DType::kI8:
      return "int8";
    case DType::kU8:
      return "uint8";
    case DType::kI16:
      return "int16";
    case DType::kU16:
      return "uint16";
    case DType::kI32:
      return "int32";
    case DType::kI64:
      return "int64";
    case DType::kU32:
      return "uint32";
    case DType::kU64:
      return "uint64";
    case DType::kBool:
      return "bool";
  }
  return "unknown";
}

size_t tensor_limit() { return limit().load(); }

size_t set_tensor_limit(size_t bytes) { return limit().exchange(bytes); }

size_t element_count(const Shape& shape) {
  if (shape.size() > kMaxRank) {
    throw Error(
        fmt::format("a tensor of {} dimensions: at most {} are supported", shape.size(), kMaxRank));
  }
  size_t count = 1;
  size_t guarded = 1;  // zeros as ones
  for (const int64_t dim : shape) {
    if (dim < 0) throw Error("a tensor of shape " + to_string(shape) + ": a dimension is negative");
    const auto size = std::max<size_t>(static_cast<size_t>(dim), 1);
    if (size > kMaxElements / guarded) {
      throw Error("a tensor of shape " + to_string(shape) + " is too large");
    }
    guarded *= size;
    count *= static_cast<size_t>(dim);
  }
  return count;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

Tensor::Tensor(DType type, Shape shape)
    : type_(type), shape_(std::move(shape)), count_(element_count(shape_)) {
  if (bytes() > tensor_limit()) {
    throw Error(fmt::format("a {} tensor of shape {} needs {} bytes, over the limit of {}",
                            dtype_name(type_), to_string(shape_), bytes(), tensor_limit()));
  }
  memory_ = allocate(bytes());
}

Tensor Tensor::view(DType type, Shape shape, std::shared_ptr<void> memory) {
  Tensor tensor;
  tensor.type_ = type;
  tensor.count_ = element_count(shape);
  tensor.shape_ = std::move(shape);
  tensor.memory_ = std::move(memory);
  return tensor;
}

Tensor Tensor::from_f32(Shape shape, std::span<const float> values) {
  return copy_of(DType::kF32, std::move(shape), values);
}

Tensor Tensor::from_i64(Shape shape, std::span<const int64_t> values) {
  return copy_of(DType::kI64, std::move(shape), values);
}

Tensor Tensor::reshaped(Shape shape) const {
  if (element_count(shape) != count_) {
    throw Error("a tensor of shape " + to_string(shape_) + " cannot be seen as shape " +
                to_string(shape));
  }
  Tensor other = *this;
  other.shape_ = std::move(shape);
  return other;
}

}  // namespace cairn::engine
