// Tensors as a file of weights holds them: views of its bytes, nothing copied or converted.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::weights {

enum class DType : uint8_t {
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kBool
};

// Bytes of an element.
int64_t size_of(DType dtype);

// The most dimensions and elements that a tensor may have. A tensor may show an element many times
// (stride 0), so that the file's size alone bounds neither.
inline constexpr size_t kMaxDims = 8;
inline constexpr int64_t kMaxElements = int64_t{1} << 31;

// Element (i, j, …) lies (i·strides[0] + j·strides[1] + …) elements after the begin of data; all of
// them lie within it. data of a PyTorch file is aligned to the element's size.
struct StoredTensor {
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  std::span<const uint8_t> data;
};

struct NamedTensor {
  std::string name;
  StoredTensor tensor;
};

// The strides of a row-major tensor.
std::vector<int64_t> row_major_strides(const std::vector<int64_t>& shape);

// The shape's product, or -1 where it has too many dimensions or elements (a size beside a 0 counts
// too) or a negative size.
int64_t checked_elements(const std::vector<int64_t>& shape);

// Foreign text for an error message: one line, not too long.
std::string printable(std::string_view text);

}  // namespace cairn::weights
