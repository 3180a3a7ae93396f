// Which buffers of a plan share memory: two buffers overlap only where their lives do not.
#pragma once

#include <cstddef>
#include <vector>

namespace cairn::engine {

struct BufferLife {
  size_t bytes = 0;
  size_t first = 0;  // the step that writes it first
  size_t last = 0;   // the last step that touches it
};

struct MemoryPlan {
  std::vector<size_t> offsets;  // one a buffer, multiples of 64
  size_t bytes = 0;             // of the arena
};

// Greedy by size: the largest buffer first, each at the lowest offset that is free for its life
// (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).
MemoryPlan plan_memory(const std::vector<BufferLife>& buffers);

}  // namespace cairn::engine
