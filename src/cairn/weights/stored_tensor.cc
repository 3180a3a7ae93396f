#include "cairn/weights/stored_tensor.h"

#include "cairn/base/error.h"

namespace cairn::weights {

int64_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
    case DType::kUint8:
    case DType::kBool:
      return 1;
    case DType::kFloat16:
    case DType::kBFloat16:
    case DType::kInt16:
      return 2;
    case DType::kFloat32:
    case DType::kInt32:
      return 4;
    case DType::kFloat64:
    case DType::kInt64:
      return 8;
  }
  CAIRN_ASSERT(false);
}

std::vector<int64_t> row_major_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

int64_t checked_elements(const std::vector<int64_t>& shape) {
  if (shape.size() > kMaxDims) return -1;
  int64_t product = 1;
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0 || size > kMaxElements) return -1;
    if (size == 0) {
      empty = true;
    } else if (product > kMaxElements / size) {
      return -1;
    } else {
      product *= size;
    }
  }
  return empty ? 0 : product;
}

std::string printable(std::string_view text) {
  constexpr size_t kLongest = 100;
  std::string line(text.substr(0, kLongest));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text.size() > kLongest ? line + "..." : line;
}

}  // namespace cairn::weights
