// Re-ranking at the size of Google Landmarks v2: landmark-country on the similarities of fast
// k-reciprocal, with growing numbers of references, on synthetic clustered embeddings.
//   rerank_bench FOLDER [QUERIES INDEX REFERENCES DIM THREADS]
// FOLDER keeps the embeddings (2 GB for 1,000,000 × 512) between runs.
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "cairn/embed/mapped_embeddings.h"
#include "cairn/rank/rerank.h"
#include "drawn_embeddings.h"

namespace {

using Clock = std::chrono::steady_clock;
namespace embed = cairn::embed;
namespace rank = cairn::rank;
namespace search = cairn::search;

constexpr uint64_t kCountries = 100;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

search::Rows first_rows(const embed::MappedEmbeddings& set, size_t count) {
  return {set.values.first(count * set.dim), std::span(set.ids).first(count), set.dim};
}

double peak_gigabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

// Photos with the query's landmark among its first hits, in all.
size_t right_hits(const std::vector<std::vector<search::Hit>>& lists) {
  size_t right = 0;
  for (size_t q = 0; q < lists.size(); ++q)
    for (const search::Hit& hit : lists[q])
      right += cairn::bench::landmark_of(0, q) == cairn::bench::landmark_of(1, hit.row) ? 1 : 0;
  return right;
}

void run(const embed::MappedEmbeddings& queries, const embed::MappedEmbeddings& index,
         const embed::MappedEmbeddings& references, size_t count, int threads) {
  std::vector<int64_t> landmarks;
  std::vector<int64_t> countries;
  for (size_t i = 0; i < count; ++i) {
    landmarks.push_back(static_cast<int64_t>(cairn::bench::landmark_of(2, i)));
    countries.push_back(landmarks.back() % static_cast<int64_t>(kCountries));
  }
  const rank::RerankModel model{first_rows(queries, queries.size()),
                                first_rows(index, index.size()), first_rows(references, count),
                                landmarks, countries};
  std::printf("%zu queries, %zu index photos, %zu references, %zu numbers\n", queries.size(),
              index.size(), count, queries.dim);
  const auto start = Clock::now();
  rank::RerankOptions options;
  options.k_reciprocal = rank::KReciprocal::kFast;
  options.method = rank::TagMethod::kLandmarkCountry;
  options.threads = threads;
  options.on_step = [&](const std::string& name, size_t) -> std::function<void(size_t)> {
    std::printf("  %7.1f s  %s\n", seconds_since(start), name.c_str());
    std::fflush(stdout);
    return {};
  };
  const auto lists = rank::rerank(std::vector{model}, options);
  const double seconds = seconds_since(start);
  std::printf(
      "  %7.1f s  done: %.1f ms a query, peak memory %.1f GB, %zu photos of the query's landmark "
      "in the lists\n",
      seconds, 1000 * seconds / static_cast<double>(queries.size()), peak_gigabytes(),
      right_hits(lists));

  // What the reference's Python code was timed on: fast k-reciprocal of queries alone.
  const auto alone = Clock::now();
  const search::ExactIndex rows(model.references, threads);
  const double prepared = seconds_since(alone);
  rank::FastKReciprocalOptions fast;
  fast.threads = threads;
  rank::fast_k_reciprocal(model.queries, rows, fast);
  std::printf(
      "  fast k-reciprocal in the references alone: %.1f ms a query, after %.1f s of preparation\n",
      1000 * (seconds_since(alone) - prepared) / static_cast<double>(queries.size()), prepared);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: rerank_bench FOLDER [QUERIES INDEX REFERENCES DIM THREADS]\n");
    return 2;
  }
  const auto number = [&](int at, size_t otherwise) {
    return argc > at ? static_cast<size_t>(std::atoll(argv[at])) : otherwise;
  };
  const size_t most = number(4, 1'000'000);
  const size_t dim = number(5, 512);
  const auto queries = cairn::bench::drawn(argv[1], 0, number(2, 1129), dim);
  const auto index = cairn::bench::drawn(argv[1], 1, number(3, 78'959), dim);
  const auto references = cairn::bench::drawn(argv[1], 2, most, dim);
  for (const size_t count : {most / 10, most * 2 / 5, most})
    run(queries, index, references, count, static_cast<int>(number(6, 2)));
}
