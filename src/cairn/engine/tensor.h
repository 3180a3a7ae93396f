// Tensors: a shape and shared, aligned memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cairn::engine {

enum class DType { kF32, kF64, kF16, kI8, kU8, kI16, kU16, kI32, kI64, kU32, kU64, kBool };

size_t element_size(DType type);
const char* dtype_name(DType type);  // "float32", …

using Shape = std::vector<int64_t>;

// Row-major ("C order") elements. Copies share the memory; the data of a tensor handed to others is
// not changed.
class Tensor {
 public:
  Tensor() = default;
  // Uninitialised memory, aligned to 64 bytes. Throws cairn::Error where the size overflows.
  Tensor(DType type, Shape shape);
  static Tensor from_f32(Shape shape, std::span<const float> values);
  static Tensor from_i64(Shape shape, std::span<const int64_t> values);

  DType dtype() const { return type_; }
  const Shape& shape() const { return shape_; }
  int64_t dim(size_t axis) const { return shape_.at(axis); }
  size_t count() const { return count_; }  // elements
  size_t bytes() const { return count_ * element_size(type_); }

  template <typename T>
  T* data() {
    return static_cast<T*>(memory_.get());
  }
  template <typename T>
  const T* data() const {
    return static_cast<const T*>(memory_.get());
  }
  template <typename T>
  std::span<const T> values() const {
    return {data<T>(), count_};
  }

 private:
  DType type_ = DType::kF32;
  Shape shape_;
  size_t count_ = 0;
  std::shared_ptr<void> memory_;
};

}  // namespace cairn::engine
