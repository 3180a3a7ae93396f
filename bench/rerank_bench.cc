// Re-ranking at the size of Google Landmarks v2: landmark-country on the similarities of fast
// k-reciprocal, with growing numbers of references, on synthetic clustered embeddings: cold, and
// with the neighbours that the first run kept for the same queries and for as many others.
//   rerank_bench FOLDER [QUERIES INDEX REFERENCES DIM THREADS [ONLY]]
// FOLDER keeps the embeddings (2 GB for 1,000,000 × 512) between runs; where `cairn index` was run
// in its folders, the search index is used. ONLY: so many references and no fewer.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cairn/base/checksum.h"
#include "cairn/base/files.h"
#include "cairn/embed/mapped_embeddings.h"
#include "cairn/rank/rerank.h"
#include "cairn/search/kept_neighbours.h"
#include "drawn_embeddings.h"

namespace {

using Clock = std::chrono::steady_clock;
namespace embed = cairn::embed;
namespace rank = cairn::rank;
namespace search = cairn::search;

constexpr uint64_t kCountries = 100;
constexpr uint64_t kOtherQueries = 3;  // the set

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
size_t right_hits(const std::vector<std::vector<search::Hit>>& lists, uint64_t queries) {
  size_t right = 0;
  for (size_t q = 0; q < lists.size(); ++q)
    for (const search::Hit& hit : lists[q])
      right +=
          cairn::bench::landmark_of(queries, q) == cairn::bench::landmark_of(1, hit.row) ? 1 : 0;
  return right;
}

// Of rows and scores: what differs in a bit is told apart.
uint64_t checksum_of(const std::vector<std::vector<search::Hit>>& lists) {
  cairn::Checksum sum;
  for (const auto& hits : lists) {
    for (const search::Hit& hit : hits) {
      sum.update({reinterpret_cast<const uint8_t*>(&hit.row), sizeof(hit.row)});
      sum.update({reinterpret_cast<const uint8_t*>(&hit.score), sizeof(hit.score)});
    }
  }
  return sum.value();
}

// A set and its search index.
struct Drawn {
  embed::MappedEmbeddings set;
  std::unique_ptr<const search::StoredIndex> stored;
};

Drawn open_set(const std::string& folder, uint64_t set, size_t count, size_t dim) {
  Drawn result{cairn::bench::drawn(folder, set, count, dim), nullptr};
  auto opened = search::StoredIndex::open(cairn::bench::drawn_folder(folder, set, count, dim));
  if (opened.ok()) result.stored = std::move(opened.value());
  return result;
}

void run(const std::string& title, const rank::RerankModel& model, int threads,
         uint64_t queries = 0) {
  std::printf("%s\n", title.c_str());
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
  const auto lists = rank::rerank(std::span(&model, 1), options);
  const double seconds = seconds_since(start);
  std::printf(
      "  %7.1f s  done: %.1f ms a query, peak memory %.1f GB, %zu photos of the query's landmark "
      "in the lists, whose checksum is %016lx\n",
      seconds, 1000 * seconds / static_cast<double>(model.queries.count()), peak_gigabytes(),
      right_hits(lists, queries), checksum_of(lists));
}

// What the reference's Python code was timed on: fast k-reciprocal of queries alone, whole lists.
void run_alone(const rank::RerankModel& model, const std::filesystem::path& folder, int threads) {
  cairn::make_folder(folder);
  for (const char* title : {"cold", "warm"}) {
    const search::ExactIndex rows(model.references, threads, model.beside_references.index);
    rank::FastKReciprocalOptions fast;
    fast.threads = threads;
    fast.keep = folder / search::kNeighboursFile;
    const auto start = Clock::now();
    rank::fast_k_reciprocal(model.queries, rows, fast);
    std::printf("  %s, fast k-reciprocal in the references alone: %.1f ms a query\n", title,
                1000 * seconds_since(start) / static_cast<double>(model.queries.count()));
  }
}

void run_all(const Drawn& queries, const Drawn& others, const Drawn& index, const Drawn& references,
             size_t count, const std::filesystem::path& kept, int threads) {
  std::vector<int64_t> landmarks;
  std::vector<int64_t> countries;
  for (size_t i = 0; i < count; ++i) {
    landmarks.push_back(static_cast<int64_t>(cairn::bench::landmark_of(2, i)));
    countries.push_back(landmarks.back() % static_cast<int64_t>(kCountries));
  }
  const bool all = count == references.set.size();
  rank::RerankModel model{first_rows(queries.set, queries.set.size()),
                          first_rows(index.set, index.set.size()),
                          first_rows(references.set, count), landmarks, countries};
  model.beside_index = {index.stored.get(), kept / "index"};
  model.beside_references = {all ? references.stored.get() : nullptr, kept / "references"};
  std::filesystem::remove_all(kept);
  cairn::make_folder(kept / "index");
  cairn::make_folder(kept / "references");
  std::printf("%zu queries, %zu index photos, %zu references, %zu numbers\n", model.queries.count(),
              model.index.count(), count, model.queries.dim);
  run("cold", model, threads);
  rank::RerankModel next = model;
  next.queries = first_rows(others.set, others.set.size());
  run("warm, other queries", next, threads, kOtherQueries);
  run("warm, the same queries", model, threads);
  run_alone(model, kept / "alone", threads);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: rerank_bench FOLDER [QUERIES INDEX REFERENCES DIM THREADS [ONLY]]\n");
    return 2;
  }
  const auto number = [&](int at, size_t otherwise) {
    return argc > at ? static_cast<size_t>(std::atoll(argv[at])) : otherwise;
  };
  const size_t most = number(4, 1'000'000);
  const size_t dim = number(5, 512);
  const std::string folder = argv[1];
  const Drawn queries = open_set(folder, 0, number(2, 1129), dim);
  const Drawn others = open_set(folder, kOtherQueries, number(2, 1129), dim);
  const Drawn index = open_set(folder, 1, number(3, 78'959), dim);
  const Drawn references = open_set(folder, 2, most, dim);
  for (const size_t count : {most / 10, most * 2 / 5, most})
    if (argc <= 7 || count == number(7, 0))
      run_all(queries, others, index, references, count, std::filesystem::path(folder) / "kept",
              static_cast<int>(number(6, 2)));
}
