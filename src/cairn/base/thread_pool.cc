#include "cairn/base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "cairn/base/error.h"

namespace cairn {
namespace {

// Runs work(0) … work(threads-1), each on a thread of its own (the last on the caller's); rethrows
// the first exception.
void run_on_threads(int threads, const std::function<void(int)>& work) {
  std::exception_ptr first;
  std::mutex mutex;
  const auto guarded = [&](int index) {
    try {
      work(index);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
    }
  };
  std::vector<std::jthread> helpers;
  for (int i = 0; i + 1 < threads; ++i) helpers.emplace_back(guarded, i);
  guarded(threads - 1);
  helpers.clear();
  if (first) std::rethrow_exception(first);
}

}  // namespace

int available_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

int resolve_threads(int requested) {
  if (requested < 0) {
    throw Error("--threads " + std::to_string(requested) + ": must be 0 (all cores) or more");
  }
  return requested == 0 ? available_cores() : requested;
}

void parallel_for(size_t count, int threads, const std::function<void(size_t, size_t)>& body) {
  const size_t pieces = std::min<size_t>(count, static_cast<size_t>(std::max(1, threads)));
  if (pieces == 0) return;
  run_on_threads(static_cast<int>(pieces), [&](int index) {
    const size_t piece = static_cast<size_t>(index);
    body(count * piece / pieces, count * (piece + 1) / pieces);
  });
}

void parallel_each(size_t count, int threads, const std::function<void(size_t)>& body) {
  if (count == 0) return;
  std::atomic<size_t> next = 0;
  const int used =
      static_cast<int>(std::min<size_t>(count, static_cast<size_t>(std::max(1, threads))));
  run_on_threads(used, [&](int) {
    try {
      for (size_t i = next++; i < count; i = next++) body(i);
    } catch (...) {
      next = count;  // the others stop after their current item
      throw;
    }
  });
}

}  // namespace cairn
