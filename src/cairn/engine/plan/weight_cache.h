// Weights in the layouts that the primitives of a model want: made once per model and layout, and
// shared by all executors.
#pragma once

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cairn/engine/plan/layout.h"

namespace cairn::engine {

// The numbers in memory of their own, aligned as tensors are.
template <typename T>
std::shared_ptr<void> copy_of(const std::vector<T>& numbers) {
  const Tensor tensor(DType::kU8, {static_cast<int64_t>(numbers.size() * sizeof(T))});
  std::memcpy(tensor.memory().get(), numbers.data(), numbers.size() * sizeof(T));
  return tensor.memory();
}

class WeightCache {
 public:
  WeightCache() : engine_(dnnl::engine::kind::cpu, 0) {}

  const dnnl::engine& engine() const { return engine_; }

  // The constant's elements, which lie as `from` says, rearranged to `to`. Thread-safe.
  std::shared_ptr<void> packed(const std::string& name, const Tensor& tensor, const Layout& from,
                               const Layout& to);

  // The same for an arrangement of our own, by its name.
  std::shared_ptr<void> made(const std::string& name, const std::string& arrangement,
                             const std::function<std::shared_ptr<void>()>& make);

 private:
  dnnl::engine engine_;
  std::mutex mutex_;
  struct Packed {
    Layout from;
    Layout to;
    std::shared_ptr<void> memory;
  };
  std::map<std::string, std::vector<Packed>> packed_;  // by the constant's name
  std::map<std::pair<std::string, std::string>, std::shared_ptr<void>> made_;
};

}  // namespace cairn::engine
