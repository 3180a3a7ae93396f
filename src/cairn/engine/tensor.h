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

// What no tensor may exceed, so that a hostile file cannot ask for all memory and so that products
// of dimensions never overflow: dimensions per tensor, and bytes per tensor. The byte limit holds
// for the whole process; fuzzers lower it. set_tensor_limit returns the limit that held before.
inline constexpr size_t kMaxRank = 32;
inline constexpr size_t kDefaultTensorLimit = size_t{1} << 34;
size_t tensor_limit();
size_t set_tensor_limit(size_t bytes);

// Elements of a shape. Throws cairn::Error where a dimension is negative, the rank exceeds
// kMaxRank, or the product (zeros counted as ones, so that partial products are safe too) exceeds
// 2^48.
size_t element_count(const Shape& shape);

// "[1,3,224,224]", for messages.
std::string to_string(const Shape& shape);

// Row-major ("C order") elements. Copies share the memory; the data of a tensor handed to others is
// not changed.
class Tensor {
 public:
  Tensor() = default;
  // Uninitialised memory, aligned to 64 bytes. Throws cairn::Error where element_count does or
  // where the bytes exceed tensor_limit().
  Tensor(DType type, Shape shape);
  // A tensor in memory that somebody else made (at least bytes() long, kept alive by the pointer).
  static Tensor view(DType type, Shape shape, std::shared_ptr<void> memory);
  static Tensor from_f32(Shape shape, std::span<const float> values);
  static Tensor from_i64(Shape shape, std::span<const int64_t> values);
  // The same elements under another shape of as many elements; shares the memory.
  Tensor reshaped(Shape shape) const;

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

  const std::shared_ptr<void>& memory() const { return memory_; }

 private:
  DType type_ = DType::kF32;
  Shape shape_;
  size_t count_ = 0;
  std::shared_ptr<void> memory_;
};

}  // namespace cairn::engine
