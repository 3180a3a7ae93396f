// Approximate search beside hnswlib (float32, -march=native) and faiss's HNSW, one thread each, in
// turns, each with the smallest ef that finds 99 % of the 10 best.
//   graph_peer_bench INDEX QUERIES [ROUNDS [JSON [M [EF_CONSTRUCTION]]]]
// INDEX and QUERIES are embedding folders; INDEX keeps the graphs between runs. Without faiss
// (libfaiss-dev) the others alone. JSON: a file for what is told of each (searching.py).
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "cairn/base/files.h"
#include "cairn/base/thread_pool.h"
#include "cairn/embed/mapped_embeddings.h"
#include "cairn/search/exact_index.h"
#include "cairn/search/graph_index.h"
#include "hnsw_peer.h"
#include "turns.h"

#ifdef CAIRN_FAISS
#include <faiss/IndexHNSW.h>
#include <faiss/index_io.h>
#include <omp.h>
#endif

namespace {

using namespace cairn;
using bench::Contender;
namespace fs = std::filesystem;

constexpr size_t kTop = 10;
constexpr double kRecall = 0.99;

struct Settings {
  fs::path index;
  fs::path queries;
  size_t rounds = 9;
  std::string json_file;
  size_t m = 16;
  size_t ef_construction = 200;
};

// Rows found for each query with an ef.
using Finder = std::function<std::vector<std::vector<uint32_t>>(size_t ef)>;

double recall(const std::vector<std::vector<uint32_t>>& found,
              const std::vector<std::vector<search::Hit>>& exact) {
  size_t hits = 0;
  for (size_t q = 0; q < exact.size(); ++q)
    for (const search::Hit& hit : exact[q])
      hits += static_cast<size_t>(std::ranges::count(found[q], static_cast<uint32_t>(hit.row)));
  return static_cast<double>(hits) / static_cast<double>(exact.size() * kTop);
}

struct Enough {
  size_t ef;
  double recall;
};

// The smallest ef of a few that reaches the recall.
Enough sufficient_ef(const std::string& name, const Finder& find,
                     const std::vector<std::vector<search::Hit>>& exact) {
  double reached = 0;
  for (size_t ef = 10; ef <= 5000; ef += std::max<size_t>(2, ef / 8)) {
    reached = recall(find(ef), exact);
    if (reached < kRecall) continue;
    std::printf("%s: recall@%zu %.4f with ef %zu\n", name.c_str(), kTop, reached, ef);
    return {ef, reached};
  }
  throw Error(name + ": recall@10 " + std::to_string(reached) + " at most");
}

// Memory of this process that no other file or process could use, and mapped files.
double resident_megabytes() {
  std::ifstream in("/proc/self/statm");
  size_t size = 0;
  size_t resident = 0;
  in >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

// What memory grows by, in MB, while it lives and after all queries.
template <typename Make, typename Find>
double megabytes_of(const Make& make, const Find& find) {
  const double before = resident_megabytes();
  make();
  find();
  return resident_megabytes() - before;
}

int run(const Settings& settings) {
  const auto rows = embed::map_embeddings(settings.index);
  const auto queries = embed::map_embeddings(settings.queries);
  const size_t dim = rows.dim;
  const fs::path& at = settings.index;
  const search::Rows all{rows.values, rows.ids, dim};
  const search::Rows asked{queries.values, queries.ids, dim};
  const auto exact = search::ExactIndex(all, 0).search(asked, {.top = kTop});
  const std::string peer_name =
      std::to_string(settings.m) + "_" + std::to_string(settings.ef_construction);

  search::GraphOptions options;
  options.m = settings.m;
  options.ef_construction = settings.ef_construction;
  std::unique_ptr<const search::GraphIndex> ours;
  const double ours_built = bench::milliseconds([&] {
    auto opened = search::GraphIndex::open(at);
    if (!opened.ok() || !opened.value()->made_with(options)) search::write_graph_index(at, options);
  });
  const Finder by_ours = [&](size_t ef) {
    std::vector<std::vector<uint32_t>> found;
    for (const auto& hits : ours->search(asked, {.top = kTop, .threads = 1}, ef)) {
      found.emplace_back();
      for (const search::Hit& hit : hits) found.back().push_back(static_cast<uint32_t>(hit.row));
    }
    return found;
  };
  double opened_in = 0;
  const double ours_memory = megabytes_of(
      [&] {
        opened_in = bench::milliseconds(
            [&] { ours = search::GraphIndex::open(at).value_or_throw(at.string()); });
      },
      [&] {
        by_ours(400);
        ours->check();
      });

  std::unique_ptr<bench::HnswPeer> peer;
  const std::string file = (at / ("hnswlib_" + peer_name)).string();
  double peer_built = 0;
  if (!fs::exists(file))  // what building leaves behind is not what searching needs
    peer_built = bench::milliseconds([&] {
      bench::HnswPeer(rows.values.data(), rows.size(), dim, settings.m, settings.ef_construction,
                      available_cores(), file);
    });
  const Finder by_peer = [&](size_t ef) {
    std::vector<std::vector<uint32_t>> found;
    for (size_t q = 0; q < asked.count(); ++q)
      found.push_back(peer->search(asked.row(q), kTop, ef));
    return found;
  };
  const double peer_memory = megabytes_of(
      [&] {
        peer = std::make_unique<bench::HnswPeer>(rows.values.data(), rows.size(), dim, settings.m,
                                                 settings.ef_construction, 1, file);
      },
      [&] { by_peer(400); });
  std::printf("%zu rows, %zu queries, m %zu, ef of building %zu; opened in %.2f ms\n", rows.size(),
              asked.count(), settings.m, settings.ef_construction, opened_in);
  if (peer_built > 0)
    std::printf("built in %.0f s, hnswlib in %.0f s\n", ours_built / 1000, peer_built / 1000);
  std::printf("memory: %.0f MB (graph.cairn wholly mapped), hnswlib %.0f MB, x %.2f\n", ours_memory,
              peer_memory, ours_memory / peer_memory);

  std::map<std::string, Enough> enough = {{"Cairn", sufficient_ef("Cairn", by_ours, exact)},
                                          {"hnswlib", sufficient_ef("hnswlib", by_peer, exact)}};
  std::map<std::string, double> megabytes = {{"Cairn", ours_memory}, {"hnswlib", peer_memory}};
  std::vector<Contender> contenders = {
      {"Cairn", [&](size_t) { by_ours(enough.at("Cairn").ef); }},
      {"hnswlib", [&](size_t) { by_peer(enough.at("hnswlib").ef); }}};
#ifdef CAIRN_FAISS
  omp_set_num_threads(available_cores());
  const std::string faiss_file = (at / ("faiss_" + peer_name)).string();
  std::unique_ptr<faiss::IndexHNSW> theirs;
  if (!fs::exists(faiss_file)) {
    faiss::IndexHNSWFlat built(static_cast<int>(dim), static_cast<int>(settings.m),
                               faiss::METRIC_INNER_PRODUCT);
    built.hnsw.efConstruction = static_cast<int>(settings.ef_construction);
    built.add(static_cast<faiss::Index::idx_t>(rows.size()), rows.values.data());
    faiss::write_index(&built, faiss_file.c_str());
  }
  omp_set_num_threads(1);
  const Finder by_faiss = [&](size_t its) {
    theirs->hnsw.efSearch = static_cast<int>(its);
    std::vector<float> scores(asked.count() * kTop);
    std::vector<faiss::Index::idx_t> labels(asked.count() * kTop);
    theirs->search(static_cast<faiss::Index::idx_t>(asked.count()), asked.values.data(), kTop,
                   scores.data(), labels.data());
    std::vector<std::vector<uint32_t>> found(asked.count());
    for (size_t i = 0; i < labels.size(); ++i)
      found[i / kTop].push_back(static_cast<uint32_t>(labels[i]));
    return found;
  };
  megabytes["faiss HNSW"] = megabytes_of(
      [&] { theirs.reset(dynamic_cast<faiss::IndexHNSW*>(faiss::read_index(faiss_file.c_str()))); },
      [&] { by_faiss(400); });
  enough["faiss HNSW"] = sufficient_ef("faiss HNSW", by_faiss, exact);
  contenders.push_back({"faiss HNSW", [&](size_t) { by_faiss(enough.at("faiss HNSW").ef); }});
#endif
  const nlohmann::json times = bench::compare("all queries", contenders, settings.rounds);
  nlohmann::json told{{"rows", rows.size()}, {"dim", dim}};
  for (const auto& [name, its] : enough) {
    told["contenders"][name] = {{"setting", "ef " + std::to_string(its.ef)},
                                {"recall", its.recall},
                                {"queries", asked.count()},
                                {"bytes", 1e6 * megabytes.at(name)},
                                {"milliseconds", times.at(name)}};
  }
  if (!settings.json_file.empty()) write_text_atomically(settings.json_file, told.dump(1));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: graph_peer_bench INDEX QUERIES [ROUNDS [JSON [M [EF_CONSTRUCTION]]]]\n");
    return 2;
  }
  Settings settings;
  settings.index = argv[1];
  settings.queries = argv[2];
  const auto number = [&](int i, size_t& into) {
    if (argc > i) into = static_cast<size_t>(std::atoll(argv[i]));
  };
  number(3, settings.rounds);
  if (argc > 4) settings.json_file = argv[4];
  number(5, settings.m);
  number(6, settings.ef_construction);
  try {
    return run(settings);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "graph_peer_bench: %s\n", error.what());
    return 1;
  }
}
