// hnswlib's own distances are not used. Under a name of its own, so that a program that includes
// hnswlib in another way and links Cairn does not get two classes of one name.
#define NO_MANUAL_VECTORIZATION
#define hnswlib cairn_hnswlib
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <ostream>

#include "cairn/base/files.h"
#include "cairn/base/thread_pool.h"
#include "cairn/search/graph_format.h"
#include "cairn/search/graph_index.h"

namespace cairn::search {
namespace {

namespace fs = std::filesystem;
using Builder = hnswlib::HierarchicalNSW<float>;
using hnswlib::tableint;

float distance(const void* a, const void* b, const void* store) {
  return 1 - static_cast<const VectorStore*>(store)->similarity(static_cast<const uint8_t*>(a),
                                                                static_cast<const uint8_t*>(b));
}

class Space : public hnswlib::SpaceInterface<float> {
 public:
  explicit Space(const VectorStore& store) : store_(store) {}
  size_t get_data_size() override { return store_.bytes(); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
  void* get_dist_func_param() override { return &store_; }

 private:
  VectorStore store_;
};

void add_rows(Builder& builder, const VectorStore& store, const RowFile& rows,
              const GraphOptions& options) {
  constexpr size_t kPiece = 64;
  const auto add = [&](size_t first, size_t count) {
    std::vector<float> full(count * rows.dim());
    std::vector<uint8_t> vector(store.bytes());
    rows.read(first, count, full.data());
    for (size_t i = 0; i < count; ++i) {
      store.encode(&full[i * rows.dim()], vector.data());
      builder.addPoint(vector.data(), first + i);
    }
    if (options.on_done) options.on_done(count);
  };
  if (rows.rows() == 0) return;
  add(0, 1);  // the first is everybody's way in
  const size_t left = rows.rows() - 1;
  parallel_each((left + kPiece - 1) / kPiece, resolve_threads(options.threads), [&](size_t piece) {
    add(1 + piece * kPiece, std::min(kPiece, left - piece * kPiece));
  });
}

// The links of a node as rows.
std::vector<uint32_t> links_of(const Builder& builder, tableint node, size_t level) {
  auto* list = level == 0 ? builder.get_linklist0(node)
                          : builder.get_linklist(node, static_cast<int>(level));
  std::vector<uint32_t> links;
  for (size_t i = 0; i < builder.getListCount(list); ++i)
    links.push_back(static_cast<uint32_t>(builder.getExternalLabel(list[1 + i])));
  return links;
}

// A graph by rows: hnswlib numbers its nodes as they come.
class Graph {
 public:
  explicit Graph(const Builder& builder) : builder_(builder), nodes_(builder.cur_element_count) {
    for (tableint node = 0; node < nodes_.size(); ++node)
      nodes_[builder.getExternalLabel(node)] = node;
    const auto levels = static_cast<size_t>(std::max(0, builder.maxlevel_));
    CAIRN_ASSERT(levels <= graph::kMostLevels);
    for (size_t level = 1; level <= levels; ++level) {
      places_.emplace_back();
      for (size_t row = 0; row < nodes_.size(); ++row)
        if (builder.element_levels_[nodes_[row]] >= static_cast<int>(level))
          places_.back().push_back(static_cast<uint32_t>(row));
    }
  }

  void fill(graph::Header& header) const {
    header.levels = static_cast<uint32_t>(places_.size());
    for (size_t level = 0; level < places_.size(); ++level)
      header.places[level] = static_cast<uint32_t>(places_[level].size());
    if (nodes_.empty()) return;
    const auto row = static_cast<uint32_t>(builder_.getExternalLabel(builder_.enterpoint_node_));
    header.entry = place_of(row, places_.size());
  }

  void write(const graph::Layout& layout, const VectorStore& store,
             stored::BlockWriter& out) const {
    std::vector<uint8_t> node(layout.node_bytes);
    for (const tableint its : nodes_) {
      std::fill(node.begin(), node.end(), uint8_t{0});
      std::memcpy(node.data(), builder_.getDataByInternalId(its), store.bytes());
      const auto numbers = with_count(links_of(builder_, its, 0));
      CAIRN_ASSERT(numbers.size() <= layout.links + 1);
      std::memcpy(node.data() + store.bytes(), numbers.data(), numbers.size() * sizeof(uint32_t));
      out.write(node);
    }
    uint64_t bytes = 0;
    for (size_t level = 1; level <= places_.size(); ++level)
      for (const uint32_t row : places_[level - 1]) {
        std::vector<uint32_t> links = links_of(builder_, nodes_[row], level);
        for (uint32_t& link : links) link = place_of(link, level);
        std::vector<uint32_t> place = {row, place_of(row, level - 1)};
        links = with_count(std::move(links));
        place.insert(place.end(), links.begin(), links.end());
        CAIRN_ASSERT(place.size() <= layout.place_numbers);
        place.resize(layout.place_numbers);
        const auto written = stored::bytes_of(std::span<const uint32_t>(place));
        out.write(written);
        bytes += written.size();
      }
    out.pad_section(bytes);
  }

 private:
  static std::vector<uint32_t> with_count(std::vector<uint32_t> links) {
    links.insert(links.begin(), static_cast<uint32_t>(links.size()));
    return links;
  }

  uint32_t place_of(uint32_t row, size_t level) const {
    if (level == 0) return row;
    const std::vector<uint32_t>& rows = places_[level - 1];
    const auto at = std::lower_bound(rows.begin(), rows.end(), row);
    CAIRN_ASSERT(at != rows.end() && *at == row);
    return static_cast<uint32_t>(at - rows.begin());
  }

  const Builder& builder_;
  std::vector<tableint> nodes_;                // of rows
  std::vector<std::vector<uint32_t>> places_;  // of each level above the first its rows, rising
};

void check(const GraphOptions& options) {
  if (options.m < graph::kLeastLinks || options.m > graph::kMostLinks)
    throw Error("--m " + std::to_string(options.m) + ": must be from " +
                std::to_string(graph::kLeastLinks) + " to " + std::to_string(graph::kMostLinks));
  if (options.ef_construction == 0) throw Error("--ef-construction 0: must be at least 1");
}

}  // namespace

void write_graph_index(const fs::path& folder, const GraphOptions& options) {
  check(options);
  const RowFile rows(folder / "embeddings.npy");
  const stored::IdText ids = stored::read_id_text(folder, rows);
  const VectorStore store(options.store, rows.dim());
  graph::Header header{};
  std::memcpy(header.magic, graph::kMagic.data(), sizeof(header.magic));
  header.version = graph::kVersion;
  header.rows = rows.rows();
  header.dim = rows.dim();
  header.store = static_cast<uint32_t>(options.store);
  header.m = static_cast<uint32_t>(options.m);
  header.ef_construction = options.ef_construction;
  header.seed = options.seed;
  header.data_offset = rows.data_offset();
  header.embeddings = stored::source_of(rows.file(), rows.file().checksum());
  header.ids = ids.source;
  Space space(store);
  Builder builder(&space, std::max<size_t>(1, rows.rows()), options.m, options.ef_construction,
                  options.seed);
  add_rows(builder, store, rows, options);
  const Graph built(builder);
  built.fill(header);
  write_stream_atomically(folder / kGraphFile, [&](std::ostream& out) {
    const std::vector<char> room(stored::kHeaderBytes, 0);
    out.write(room.data(), static_cast<std::streamsize>(room.size()));
    stored::BlockWriter blocks(out);
    built.write(graph::Layout(header), store, blocks);
    blocks.write_section(stored::bytes_of(std::span<const uint64_t>(ids.starts)));
    header.checksum_of_checksums = blocks.finish();
    header.checksum = stored::header_checksum(header);
    out.seekp(0);
    out.write(reinterpret_cast<const char*>(&header), sizeof(header));
  });
}

}  // namespace cairn::search
