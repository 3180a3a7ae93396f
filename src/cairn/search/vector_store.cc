#include "cairn/search/vector_store.h"

#include <bit>
#include <cstring>
#include <vector>

#include "cairn/search/quantise.h"

namespace cairn::search {
namespace {

// What follows the numbers of 8 bits. A number + 128 is stored, and the products of a's with b's
// own numbers are 128 × the sum of b's too large.
struct Tail {
  float scale;
  int32_t excess;
};

uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

size_t number_bytes(Store store) {
  switch (store) {
    case Store::kFloat32:
      return sizeof(float);
    case Store::kBfloat16:
      return sizeof(uint16_t);
    case Store::kInt8:
      break;
  }
  return 1;
}

}  // namespace

VectorStore::VectorStore(Store store, size_t dim)
    : store_(store),
      dim_(dim),
      padded_((dim + kernels::kVectorStep - 1) / kernels::kVectorStep * kernels::kVectorStep),
      bytes_(padded_ * number_bytes(store) + (store == Store::kInt8 ? sizeof(Tail) : 0)),
      dots_(kernels::vector_dots()) {}

void VectorStore::encode(const float* row, uint8_t* vector) const {
  if (store_ != Store::kInt8) {
    std::memset(vector, 0, bytes_);
    if (store_ == Store::kFloat32) {
      std::memcpy(vector, row, dim_ * sizeof(float));
      return;
    }
    for (size_t d = 0; d < dim_; ++d) {
      const uint16_t half = to_bfloat16(row[d]);
      std::memcpy(vector + d * sizeof(half), &half, sizeof(half));
    }
    return;
  }
  std::vector<int8_t> numbers(dim_);
  const Quantised quantised = quantise(row, dim_, numbers.data());
  Tail tail{quantised.scale, 0};
  std::memset(vector, 128, padded_);
  for (size_t d = 0; d < dim_; ++d) {
    vector[d] = static_cast<uint8_t>(numbers[d] + 128);
    tail.excess += 128 * numbers[d];
  }
  std::memcpy(vector + padded_, &tail, sizeof(tail));
}

float VectorStore::similarity(const uint8_t* a, const uint8_t* b) const {
  switch (store_) {
    case Store::kFloat32:
      return dots_.float32(reinterpret_cast<const float*>(a), reinterpret_cast<const float*>(b),
                           padded_);
    case Store::kBfloat16:
      return dots_.bfloat16(reinterpret_cast<const uint16_t*>(a),
                            reinterpret_cast<const uint16_t*>(b), padded_);
    case Store::kInt8:
      break;
  }
  Tail of_a;
  Tail of_b;
  std::memcpy(&of_a, a + padded_, sizeof(of_a));
  std::memcpy(&of_b, b + padded_, sizeof(of_b));
  // Unsigned: the numbers of a damaged file may be any.
  const auto product = static_cast<int32_t>(static_cast<uint32_t>(dots_.int8(a, b, padded_)) -
                                            static_cast<uint32_t>(of_b.excess));
  return static_cast<float>(product) * (of_a.scale * of_b.scale);
}

}  // namespace cairn::search
