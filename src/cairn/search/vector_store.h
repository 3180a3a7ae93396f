// Vectors as a graph keeps them beside its links: in full, in bfloat16 or in 8 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "cairn/search/kernels/vector_dot.h"

namespace cairn::search {

enum class Store : uint32_t { kFloat32 = 0, kBfloat16 = 1, kInt8 = 2 };

class VectorStore {
 public:
  VectorStore(Store store, size_t dim);

  // Of a vector: its numbers, padded to kVectorStep of them; for 8 bits a float32 scale and an
  // int32, the sum of the numbers × 128, follow.
  size_t bytes() const { return bytes_; }
  void encode(const float* row, uint8_t* vector) const;
  // Of two encoded vectors, about their inner product.
  float similarity(const uint8_t* a, const uint8_t* b) const;

 private:
  Store store_;
  size_t dim_;
  size_t padded_;
  size_t bytes_;
  kernels::VectorDots dots_;
};

}  // namespace cairn::search
