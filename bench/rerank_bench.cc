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

#include "cairn/base/random.h"
#include "cairn/base/thread_pool.h"
#include "cairn/embed/mapped_embeddings.h"
#include "cairn/rank/rerank.h"

namespace {

using Clock = std::chrono::steady_clock;
namespace embed = cairn::embed;
namespace rank = cairn::rank;
namespace search = cairn::search;

constexpr uint64_t kLandmarks = 50'000;
constexpr uint64_t kCountries = 100;
// Photos of a landmark have cosines of about 1 / (1 + spread²).
constexpr double kSpread = 0.9;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

uint64_t landmark_of(uint64_t set, size_t row) {
  return cairn::Rng::for_stream(1, set, row).below(kLandmarks);
}

void draw_row(uint64_t set, size_t row, size_t dim, float* out) {
  cairn::Rng centre = cairn::Rng::for_stream(2, landmark_of(set, row));
  cairn::Rng noise = cairn::Rng::for_stream(3, set, row);
  double squares = 0;
  for (size_t d = 0; d < dim; ++d) {
    out[d] = static_cast<float>(centre.normal() + kSpread * noise.normal());
    squares += static_cast<double>(out[d]) * out[d];
  }
  const auto factor = static_cast<float>(1 / std::sqrt(squares));
  for (size_t d = 0; d < dim; ++d) out[d] *= factor;
}

embed::MappedEmbeddings drawn(const std::string& folder, uint64_t set, size_t count, size_t dim) {
  const std::string name =
      folder + "/" + std::to_string(set) + "_" + std::to_string(count) + "x" + std::to_string(dim);
  if (!embed::is_embedding_folder(name)) {
    std::vector<std::string> ids;
    for (size_t i = 0; i < count; ++i) ids.push_back(std::to_string(1'000'000'000'000'000 + i));
    embed::write_embedding_folder(name, dim, ids, {}, "{}", [&](std::ostream& out) {
      constexpr size_t kBlock = 16384;
      std::vector<float> block(kBlock * dim);
      for (size_t first = 0; first < count; first += kBlock) {
        const size_t rows = std::min(kBlock, count - first);
        cairn::parallel_for(rows, cairn::available_cores(), [&](size_t begin, size_t end) {
          for (size_t i = begin; i < end; ++i) draw_row(set, first + i, dim, &block[i * dim]);
        });
        out.write(reinterpret_cast<const char*>(block.data()),
                  static_cast<std::streamsize>(rows * dim * sizeof(float)));
      }
    });
  }
  return embed::map_embeddings(name);
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
      right += landmark_of(0, q) == landmark_of(1, hit.row) ? 1 : 0;
  return right;
}

void run(const embed::MappedEmbeddings& queries, const embed::MappedEmbeddings& index,
         const embed::MappedEmbeddings& references, size_t count, int threads) {
  std::vector<int64_t> landmarks;
  std::vector<int64_t> countries;
  for (size_t i = 0; i < count; ++i) {
    landmarks.push_back(static_cast<int64_t>(landmark_of(2, i)));
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
  const auto queries = drawn(argv[1], 0, number(2, 1129), dim);
  const auto index = drawn(argv[1], 1, number(3, 78'959), dim);
  const auto references = drawn(argv[1], 2, most, dim);
  for (const size_t count : {most / 10, most * 2 / 5, most})
    run(queries, index, references, count, static_cast<int>(number(6, 2)));
}
