#include "hnsw_peer.h"

// libcairn builds with hnswlib too: what the two compile differently must not have the same name.
#define hnswlib hnswlib_native
#define cpuid hnswlib_native_cpuid
#define xgetbv hnswlib_native_xgetbv
#define AVXCapable hnswlib_native_avx
#define AVX512Capable hnswlib_native_avx512
#include <hnswlib/hnswlib.h>

#include <filesystem>

#include "cairn/base/thread_pool.h"

namespace cairn::bench {

struct HnswPeer::State {
  hnswlib::InnerProductSpace space;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;
};

HnswPeer::HnswPeer(const float* rows, size_t count, size_t dim, size_t m, size_t ef_construction,
                   int threads, const std::string& file)
    : state_(new State{hnswlib::InnerProductSpace(dim), nullptr}) {
  using Graph = hnswlib::HierarchicalNSW<float>;
  if (std::filesystem::exists(file)) {
    state_->graph = std::make_unique<Graph>(&state_->space, file);
    return;
  }
  state_->graph = std::make_unique<Graph>(&state_->space, count, m, ef_construction);
  state_->graph->addPoint(rows, 0);
  parallel_each(count - 1, threads,
                [&](size_t i) { state_->graph->addPoint(rows + (i + 1) * dim, i + 1); });
  state_->graph->saveIndex(file);
}

HnswPeer::~HnswPeer() = default;

std::vector<uint32_t> HnswPeer::search(const float* query, size_t top, size_t ef) const {
  state_->graph->setEf(ef);
  auto found = state_->graph->searchKnn(query, top);
  std::vector<uint32_t> rows;
  for (; !found.empty(); found.pop()) rows.push_back(static_cast<uint32_t>(found.top().second));
  return rows;
}

}  // namespace cairn::bench
