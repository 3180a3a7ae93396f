// Exact search beside faiss's flat index, one thread each, in turns: medians and ratios.
//   search_peer_bench INDEX QUERIES [ROUNDS [JSON]]
// INDEX and QUERIES are embedding folders, INDEX after `cairn index`. Without faiss (libfaiss-dev)
// the times of Cairn alone. JSON: a file for all times in milliseconds, by round.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/mapped_file.h"
#include "cairn/embed/mapped_embeddings.h"
#include "cairn/search/stored_index.h"
#include "turns.h"

#ifdef CAIRN_FAISS
#include <faiss/Index.h>
#include <faiss/IndexFlat.h>
#include <omp.h>

// faiss multiplies batches in BLAS, which may be this one, with threads of its own.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));
#endif

namespace {

namespace fs = std::filesystem;
namespace search = cairn::search;
using cairn::bench::compare;
using cairn::bench::Contender;
using cairn::bench::median;
using cairn::bench::milliseconds;
using cairn::bench::status;

constexpr size_t kTop = 100;
constexpr size_t kBatch = 256;

// A plain read of the bytes, as fast as one core can.
uint64_t read_all(std::span<const uint8_t> bytes) {
  constexpr size_t kSums = 32;
  uint64_t sums[kSums] = {};
  const auto* words = reinterpret_cast<const uint64_t*>(bytes.data());
  for (size_t i = 0; i + kSums <= bytes.size() / 8; i += kSums)
    for (size_t s = 0; s < kSums; ++s) sums[s] ^= words[i + s];
  uint64_t all = 0;
  for (const uint64_t sum : sums) all ^= sum;
  return all;
}

int run(const fs::path& folder, const fs::path& query_folder, size_t rounds,
        const std::string& json_file) {
  const auto queries = cairn::embed::map_embeddings(query_folder);
  std::unique_ptr<const search::StoredIndex> index;
  std::vector<double> openings;
  for (size_t round = 0; round < rounds; ++round)
    openings.push_back(milliseconds(
        [&] { index = search::StoredIndex::open(folder).value_or_throw(folder.string()); }));
  std::printf("%zu rows of %zu numbers, opened in %.2f ms (the first time %.2f)\n", index->size(),
              index->dim(), median(openings), openings[0]);
  const auto some = [&](size_t first, size_t count) {
    first %= queries.size() - count + 1;
    return search::Rows{queries.values.subspan(first * queries.dim, count * queries.dim),
                        std::span(queries.ids).subspan(first, count), queries.dim};
  };
  const size_t batch = std::min(kBatch, queries.size());
  const search::SearchOptions options{.top = kTop, .threads = 1};
  const auto ours = [&](size_t count) {
    return [&, count](size_t round) { index->search(some(round * count, count), options); };
  };
  ours(1)(0);  // checks the file's blocks
  ours(batch)(1);
  const cairn::MappedFile file(folder / search::kIndexFile);
  volatile uint64_t sink = 0;
  const double gigabytes = static_cast<double>(file.bytes().size()) / 1e9;
  const Contender reading{"reading the index", [&](size_t) { sink = read_all(file.bytes()); },
                          gigabytes};
  std::vector<Contender> one = {{"cairn", ours(1), gigabytes}, reading};
  std::vector<Contender> many = {{"cairn", ours(batch)}, reading};
  std::printf("%s, before any peer\n", status("VmHWM").c_str());
#ifdef CAIRN_FAISS
  omp_set_num_threads(1);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  const auto rows = cairn::embed::map_embeddings(folder);
  faiss::IndexFlatIP flat(static_cast<faiss::Index::idx_t>(rows.dim));
  flat.add(static_cast<faiss::Index::idx_t>(rows.size()), rows.values.data());
  std::vector<float> scores(batch * kTop);
  std::vector<faiss::Index::idx_t> found(batch * kTop);
  const auto theirs = [&](size_t count) {
    return [&, count](size_t round) {
      flat.search(static_cast<faiss::Index::idx_t>(count), some(round * count, count).values.data(),
                  kTop, scores.data(), found.data());
    };
  };
  one.push_back({"faiss flat", theirs(1)});
  many.push_back({"faiss flat", theirs(batch)});
#endif
  nlohmann::json told = {{"rows", index->size()},
                         {"dim", index->dim()},
                         {"batch_size", batch},
                         {"gigabytes", gigabytes},
                         {"opening_ms", median(openings)}};
#ifdef CAIRN_FAISS
  told["faiss"] = std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) +
                  "." + std::to_string(FAISS_VERSION_PATCH);
#endif
  told["one"] = compare("one query", one, rounds);
  told["batch"] = compare("batch of " + std::to_string(batch), many, rounds);
  if (!json_file.empty()) std::ofstream(json_file) << told.dump(1) << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: search_peer_bench INDEX QUERIES [ROUNDS [JSON]]\n");
    return 2;
  }
  return run(argv[1], argv[2], argc > 3 ? static_cast<size_t>(std::atoll(argv[3])) : 7,
             argc > 4 ? argv[4] : "");
}
