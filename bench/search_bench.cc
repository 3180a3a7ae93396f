// Exact search: queries × index rows × dimensions, threads.
#include <benchmark/benchmark.h>

#include <cmath>

#include "cairn/base/random.h"
#include "cairn/search/exact_search.h"
#include "cairn/search/quantised_rows.h"

namespace {

struct Set {
  std::vector<float> values;
  std::vector<std::string> ids;
};

// Rows of length 1 around `clusters` centres, cosines within a cluster about 0.55; 0: anywhere.
Set random_set(size_t count, size_t dim, uint64_t seed, uint64_t clusters = 0) {
  constexpr double kSpread = 0.9;
  cairn::Rng rng(seed);
  Set set;
  for (size_t i = 0; i < count; ++i) {
    cairn::Rng centre =
        cairn::Rng::for_stream(3, clusters == 0 ? 0 : rng.below(clusters), clusters);
    double squares = 0;
    for (size_t d = 0; d < dim; ++d) {
      const double own =
          clusters == 0 ? rng.uniform(-1, 1) : centre.normal() + kSpread * rng.normal();
      set.values.push_back(static_cast<float>(own));
      squares += static_cast<double>(set.values.back()) * set.values.back();
    }
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (size_t d = 0; d < dim; ++d) set.values[i * dim + d] *= scale;
    set.ids.push_back(std::to_string(i));
  }
  return set;
}

void count_products(benchmark::State& state) {
  const auto queries = static_cast<double>(state.range(0));
  const double products =
      queries * static_cast<double>(state.range(1)) * static_cast<double>(state.range(2));
  state.counters["flop/s"] =
      benchmark::Counter(2 * products, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["queries/s"] =
      benchmark::Counter(queries, benchmark::Counter::kIsIterationInvariantRate);
}

cairn::search::SearchOptions options_of(const benchmark::State& state) {
  cairn::search::SearchOptions options;
  options.top = 100;
  options.threads = static_cast<int>(state.range(3));
  return options;
}

// The last argument: clusters of the rows.
void search_exact(benchmark::State& state) {
  const auto dim = static_cast<size_t>(state.range(2));
  const auto clusters = static_cast<uint64_t>(state.range(4));
  const Set queries = random_set(static_cast<size_t>(state.range(0)), dim, 1, clusters);
  const Set index = random_set(static_cast<size_t>(state.range(1)), dim, 2, clusters);
  for (auto _ : state)
    benchmark::DoNotOptimize(cairn::search::search_exact(
        {queries.values, queries.ids, dim}, {index.values, index.ids, dim}, options_of(state)));
  count_products(state);
}

// The same lists through 8-bit copies; making the copies is not counted.
void search_quantised(benchmark::State& state) {
  const auto dim = static_cast<size_t>(state.range(2));
  const auto clusters = static_cast<uint64_t>(state.range(4));
  const Set queries = random_set(static_cast<size_t>(state.range(0)), dim, 1, clusters);
  const Set index = random_set(static_cast<size_t>(state.range(1)), dim, 2, clusters);
  const cairn::search::QuantisedRows rows({index.values, index.ids, dim},
                                          static_cast<int>(state.range(3)));
  for (auto _ : state)
    benchmark::DoNotOptimize(rows.search({queries.values, queries.ids, dim}, options_of(state)));
  count_products(state);
}

BENCHMARK(search_exact)
    ->ArgNames({"queries", "rows", "dim", "threads", "clusters"})
    ->Args({1000, 100000, 512, 1, 0})
    ->Args({1000, 100000, 512, 2, 0})
    ->Args({1, 500000, 512, 2, 0})
    ->Args({1000, 100000, 512, 2, 5000})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

BENCHMARK(search_quantised)
    ->ArgNames({"queries", "rows", "dim", "threads", "clusters"})
    ->Args({1000, 100000, 512, 2, 0})
    ->Args({1000, 100000, 512, 2, 5000})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

}  // namespace
