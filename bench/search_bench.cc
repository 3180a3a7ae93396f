// Exact search: queries × index rows × dimensions, threads.
#include <benchmark/benchmark.h>

#include <cmath>

#include "cairn/base/random.h"
#include "cairn/search/exact_search.h"

namespace {

struct Set {
  std::vector<float> values;
  std::vector<std::string> ids;
};

Set random_set(size_t count, size_t dim, uint64_t seed) {
  cairn::Rng rng(seed);
  Set set;
  for (size_t i = 0; i < count; ++i) {
    double squares = 0;
    for (size_t d = 0; d < dim; ++d) {
      set.values.push_back(static_cast<float>(rng.uniform(-1, 1)));
      squares += static_cast<double>(set.values.back()) * set.values.back();
    }
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (size_t d = 0; d < dim; ++d) set.values[i * dim + d] *= scale;
    set.ids.push_back(std::to_string(i));
  }
  return set;
}

void search_exact(benchmark::State& state) {
  const auto queries = static_cast<size_t>(state.range(0));
  const auto rows = static_cast<size_t>(state.range(1));
  const auto dim = static_cast<size_t>(state.range(2));
  const Set query_set = random_set(queries, dim, 1);
  const Set index_set = random_set(rows, dim, 2);
  cairn::search::SearchOptions options;
  options.top = 100;
  options.threads = static_cast<int>(state.range(3));
  for (auto _ : state) {
    benchmark::DoNotOptimize(cairn::search::search_exact(
        {query_set.values, query_set.ids, dim}, {index_set.values, index_set.ids, dim}, options));
  }
  const auto products = static_cast<double>(queries * rows * dim);
  state.counters["flop/s"] =
      benchmark::Counter(2 * products, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["queries/s"] = benchmark::Counter(static_cast<double>(queries),
                                                   benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(search_exact)
    ->ArgNames({"queries", "rows", "dim", "threads"})
    ->Args({1000, 100000, 512, 1})
    ->Args({1000, 100000, 512, 2})
    ->Args({1, 500000, 512, 2})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

}  // namespace
