// What was found in the parts of an index that were searched apart.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace cairn::search {

// One T (TopHits, Candidates) a query of a block.
template <typename T>
class MergedParts {
 public:
  // Adds what a part gave; whether it was the last of so many. From any thread.
  bool merge(std::vector<T> part, size_t parts) {
    const std::lock_guard lock(mutex_);
    if (all_.empty()) {
      all_ = std::move(part);
    } else {
      for (size_t q = 0; q < part.size(); ++q) all_[q].add_all(part[q]);
    }
    return ++parts_done_ == parts;
  }
  // All of them, once the last was added; leaves nothing behind.
  std::vector<T> take() { return std::exchange(all_, {}); }

 private:
  std::mutex mutex_;
  size_t parts_done_ = 0;
  std::vector<T> all_;
};

}  // namespace cairn::search
