// Parallel work on a fixed number of threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cairn {

// The number of cores this process may use (its CPU affinity), at least 1.
int available_cores();

// What --threads 0 means: all available cores; other numbers are themselves. Throws Error below 0.
int resolve_threads(int requested);

// Calls body(begin, end) on disjoint pieces of [0, count), on up to `threads` threads. The pieces
// depend only on count and threads, so a reduction per piece in piece order is deterministic. The
// first exception is rethrown.
void parallel_for(size_t count, int threads, const std::function<void(size_t, size_t)>& body);

// Calls body(i) for every i in [0, count), threads taking the next i as they get free: for uneven
// work.
void parallel_each(size_t count, int threads, const std::function<void(size_t)>& body);

// A queue between threads that holds at most `capacity` items. close() wakes everybody: push then
// returns false, pop drains what is left and then returns false.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  bool push(T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    if (closed_) return false;
    items_.push_back(std::move(item));
    changed_.notify_all();
    return true;
  }

  bool pop(T& item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return false;
    item = std::move(items_.front());
    items_.pop_front();
    changed_.notify_all();
    return true;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace cairn
