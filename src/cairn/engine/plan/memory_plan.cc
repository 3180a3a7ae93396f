#include "cairn/engine/plan/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace cairn::engine {

MemoryPlan plan_memory(const std::vector<BufferLife>& buffers) {
  constexpr size_t kAlignment = 64;
  const auto aligned = [](size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  };
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);
  std::vector<size_t> placed;  // by offset
  for (const size_t i : order) {
    const size_t bytes = aligned(buffers[i].bytes);
    size_t offset = 0;
    for (const size_t other : placed) {
      if (buffers[other].last < buffers[i].first || buffers[i].last < buffers[other].first)
        continue;
      if (plan.offsets[other] >= offset + bytes) break;
      offset = std::max(offset, plan.offsets[other] + aligned(buffers[other].bytes));
    }
    plan.offsets[i] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    const auto place =
        std::upper_bound(placed.begin(), placed.end(), offset,
                         [&](size_t value, size_t other) { return value < plan.offsets[other]; });
    placed.insert(place, i);
  }
  return plan;
}

}  // namespace cairn::engine
