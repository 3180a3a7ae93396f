// What a plan is made of: buffers, and steps that read and write them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cairn/engine/plan/layout.h"
#include "cairn/engine/tensor.h"

namespace cairn::engine {

using BufferId = size_t;

struct Buffer {
  enum class Kind { kArena, kInput, kOutput, kConstant };
  Kind kind = Kind::kArena;
  size_t bytes = 0;
  size_t index = 0;                  // kInput, kOutput: of the plan's inputs or outputs
  std::shared_ptr<void> constant{};  // kConstant
};

// The state of one run. Addresses change between runs only where the caller's tensors lie elsewhere
// or the arena grew; `generation` counts the latter.
struct RunState {
  std::vector<void*> addresses;           // by BufferId
  std::map<std::string, Tensor> dynamic;  // values whose shapes only the data tells
  void* scratchpad = nullptr;
  dnnl::stream* stream = nullptr;

  template <typename T>
  T* at(BufferId buffer) const {
    return static_cast<T*>(addresses[buffer]);
  }
};

class Step {
 public:
  virtual ~Step() = default;
  virtual void run(RunState& state) = 0;

  std::string label;        // for messages and measurements
  std::string detail;       // the same: what exactly; may be empty
  double flops = 0;         // floating point operations of convolutions and products
  bool int8 = false;        // which are of 8-bit numbers
  size_t weight_bytes = 0;  // of the constants that it reads
  std::vector<BufferId> reads;
  std::vector<BufferId> writes;
  size_t scratchpad_bytes = 0;
};

// A run found another shape than the plan says. The executor then leaves the plan and interprets.
struct PlanMismatch {};

}  // namespace cairn::engine
