#include "cairn_train/run/allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <sys/mman.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace cairn::run {
namespace {

constexpr size_t kSmall = size_t{1} << 20;  // below: the C library
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kAlignment = 64;

// Sizes are rounded up so that nearby ones share blocks: to an eighth of their power of two.
size_t rounded(size_t bytes) {
  const size_t step = std::max(std::bit_floor(bytes) / 8, kSmall / 8);
  return (bytes + step - 1) / step * step;
}

class KeepingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) const override {
    void* memory = bytes == 0 ? nullptr : take(bytes);
    return {memory, memory, bytes < kSmall ? &give_back_small : &give_back,
            c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }

 private:
  struct Pool {
    std::mutex mutex;
    std::unordered_map<void*, size_t> sizes;                // of every large block
    std::unordered_map<size_t, std::vector<void*>> unused;  // by size
  };
  // Never destroyed: tensors of other threads may outlive main().
  static Pool& pool() {
    static Pool* const kPool = new Pool;
    return *kPool;
  }

  static void* aligned(size_t alignment, size_t bytes) {
    void* memory = nullptr;
    if (::posix_memalign(&memory, alignment, bytes) != 0) throw std::bad_alloc();
    return memory;
  }

  static void* take(size_t bytes) {
    if (bytes < kSmall) return aligned(kAlignment, bytes);
    const size_t size = rounded(bytes);
    Pool& blocks = pool();
    const std::lock_guard lock(blocks.mutex);
    std::vector<void*>& unused = blocks.unused[size];
    if (!unused.empty()) {
      void* memory = unused.back();
      unused.pop_back();
      return memory;
    }
    void* memory = aligned(size >= kHugePage ? kHugePage : kAlignment, size);
    if (size >= kHugePage) (void)::madvise(memory, size, MADV_HUGEPAGE);
    blocks.sizes.emplace(memory, size);
    return memory;
  }

  static void give_back_small(void* memory) { std::free(memory); }  // NOLINT: of posix_memalign

  static void give_back(void* memory) {
    if (memory == nullptr) return;
    Pool& blocks = pool();
    {
      const std::lock_guard lock(blocks.mutex);
      const auto found = blocks.sizes.find(memory);
      if (found != blocks.sizes.end()) {
        blocks.unused[found->second].push_back(memory);
        return;
      }
    }
    give_back_small(memory);  // raw_allocate() gives back small blocks here too
  }
};

}  // namespace

void keep_tensor_memory() {
  static KeepingAllocator allocator;
  c10::SetCPUAllocator(&allocator, 200);
  // oneDNN's scratch memory comes from the C library, which then keeps what it has.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

}  // namespace cairn::run
