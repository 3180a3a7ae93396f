// hnswlib as it comes, with float32 vectors, compiled for this processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cairn::bench {

class HnswPeer {
 public:
  // The graph of rows × dim numbers, built by `threads` threads, or read from the file.
  HnswPeer(const float* rows, size_t count, size_t dim, size_t m, size_t ef_construction,
           int threads, const std::string& file);
  ~HnswPeer();
  // The nearest rows by inner product, in no order.
  std::vector<uint32_t> search(const float* query, size_t top, size_t ef) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cairn::bench
