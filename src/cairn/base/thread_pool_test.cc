#include "cairn/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>

#include "cairn/base/error.h"

namespace cairn {
namespace {

TEST(ThreadPool, parallel_for_covers_every_item_once) {
  for (const int threads : {1, 2, 7, 50}) {
    std::vector<int> seen(23, 0);
    parallel_for(seen.size(), threads, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) ++seen[i];
    });
    EXPECT_EQ(seen, std::vector<int>(23, 1)) << threads;
  }
}

TEST(ThreadPool, the_first_exception_reaches_the_caller_and_stops_the_rest) {
  std::atomic<int> done = 0;
  EXPECT_THROW(parallel_each(100000, 2,
                             [&](size_t i) {
                               if (i == 10) throw Error("ten");
                               ++done;
                             }),
               Error);
  EXPECT_LT(done, 100000);
}

TEST(ThreadPool, a_closed_queue_drains_and_then_ends) {
  BoundedQueue<int> queue(2);
  std::jthread producer([&] {
    for (int i = 0; i < 100; ++i) queue.push(i);
    queue.close();
  });
  int sum = 0;
  int item = 0;
  while (queue.pop(item)) sum += item;
  EXPECT_EQ(sum, 4950);
  EXPECT_FALSE(queue.push(1));
}

TEST(ThreadPool, thread_counts_are_checked) {
  EXPECT_GE(resolve_threads(0), 1);
  EXPECT_EQ(resolve_threads(3), 3);
  EXPECT_THROW(resolve_threads(-1), Error);
}

}  // namespace
}  // namespace cairn
