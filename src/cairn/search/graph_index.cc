#include "cairn/search/graph_index.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "cairn/base/thread_pool.h"
#include "cairn/search/dot.h"
#include "cairn/search/graph_format.h"
#include "cairn/search/quantise.h"
#include "cairn/search/top_hits.h"

namespace cairn::search {
namespace {

namespace fs = std::filesystem;
using stored::damaged;

graph::Header read_header(std::span<const uint8_t> bytes, const fs::path& path) {
  graph::Header header{};
  stored::read_header_bytes(bytes, graph::kMagic, graph::kVersion, path, &header, sizeof(header));
  bool sound = header.checksum == stored::header_checksum(header) && header.rows < UINT32_MAX &&
               header.dim <= kMostDim && header.store <= static_cast<uint32_t>(Store::kInt8) &&
               header.m >= graph::kLeastLinks && header.m <= graph::kMostLinks &&
               header.levels <= graph::kMostLevels;
  // Each level is a part of the one below.
  uint64_t below = sound ? header.rows : 0;
  for (size_t level = 0; sound && level < header.levels; ++level) {
    sound = header.places[level] > 0 && header.places[level] <= below;
    below = header.places[level];
  }
  if (!sound || (header.rows > 0 && header.entry >= below)) damaged(path, "damaged (its header)");
  return header;
}

// A row that a search came to.
struct Found {
  float similarity;
  uint32_t row;
  bool expanded;
};

// What one search after the other needs.
struct Scratch {
  explicit Scratch(size_t rows) : seen((rows + 63) / 64) {}

  // Whether the row was not seen before in this search.
  bool mark(uint32_t row) {
    const uint64_t bit = uint64_t{1} << (row % 64);
    uint64_t& word = seen[row / 64];
    if ((word & bit) != 0) return false;
    if (word == 0) touched.push_back(row / 64);
    word |= bit;
    return true;
  }
  void forget() {
    for (const uint32_t word : touched) seen[word] = 0;
    touched.clear();
    pool.clear();
  }

  std::vector<uint64_t> seen;
  std::vector<uint32_t> touched;
  std::vector<Found> pool;  // best first
  std::vector<uint32_t> fresh;
  std::vector<uint8_t> query;
};

}  // namespace

class GraphIndex::File {
 public:
  explicit File(const fs::path& folder)
      : path_(folder / kGraphFile),
        file_(stored::map_file(path_)),
        header_(read_header(file_.bytes(), path_)),
        layout_(header_),
        store_(static_cast<Store>(header_.store), header_.dim),
        blocks_(path_, file_.bytes(), layout_.checksums, header_.checksum_of_checksums),
        embeddings_(folder, header_.rows, blocks_, file_.bytes(), layout_.lines, path_) {}

  std::string changed() const {
    return embeddings_.changed(header_.dim, header_.data_offset, header_.embeddings, header_.ids);
  }
  const graph::Header& header() const { return header_; }
  const stored::StoredEmbeddings& embeddings() const { return embeddings_; }
  void check_all() const {
    blocks_.check_all();
    embeddings_.check(header_.embeddings, header_.ids);
  }

  // The `ef` rows that a search for an encoded query ends with, in scratch.pool.
  void search(size_t ef, Scratch& scratch) const {
    scratch.forget();
    const uint8_t* query = scratch.query.data();
    const uint32_t start = descend(query);
    scratch.mark(start);
    scratch.pool.push_back({store_.similarity(node(start), query), start, false});
    for (size_t next = 0; next < scratch.pool.size();) {
      scratch.pool[next].expanded = true;
      const size_t best = expand(scratch.pool[next].row, query, ef, scratch);
      next = std::min(next, best);
      while (next < scratch.pool.size() && scratch.pool[next].expanded) ++next;
    }
  }

  const VectorStore& store() const { return store_; }

 private:
  const uint8_t* node(uint32_t row) const {
    const uint64_t at = stored::kHeaderBytes + row * uint64_t{layout_.node_bytes};
    blocks_.check(at, layout_.node_bytes);
    return file_.bytes().data() + at;
  }

  // A place of level 1 and upwards.
  std::span<const uint32_t> place(size_t level, uint32_t number) const {
    const uint64_t bytes = layout_.place_numbers * sizeof(uint32_t);
    const uint64_t at = layout_.upper[level - 1] + number * bytes;
    blocks_.check(at, bytes);
    const std::span<const uint32_t> numbers(
        reinterpret_cast<const uint32_t*>(file_.bytes().data() + at), layout_.place_numbers);
    const uint64_t below = level == 1 ? header_.rows : header_.places[level - 2];
    if (numbers[0] >= header_.rows || numbers[1] >= below) damaged(path_, "damaged (a place)");
    return numbers;
  }

  std::span<const uint32_t> links_of(std::span<const uint32_t> counted, size_t most,
                                     uint64_t rows) const {
    const std::span<const uint32_t> links =
        counted.subspan(1, std::min<size_t>(counted[0], counted.size() - 1));
    if (counted[0] > most || std::ranges::any_of(links, [&](uint32_t l) { return l >= rows; }))
      damaged(path_, "damaged (a link)");
    return links;
  }

  // The row that a walk over the upper levels ends at.
  uint32_t descend(const uint8_t* query) const {
    uint32_t at = header_.entry;
    for (size_t level = header_.levels; level > 0; --level) {
      float best = store_.similarity(node(place(level, at)[0]), query);
      for (bool better = true; better;) {
        better = false;
        const auto links =
            links_of(place(level, at).subspan(2), header_.m, header_.places[level - 1]);
        for (const uint32_t link : links) {
          const float similarity = store_.similarity(node(place(level, link)[0]), query);
          if (!(similarity > best)) continue;  // nor NaN, of a forged file
          best = similarity;
          at = link;
          better = true;
        }
      }
      at = place(level, at)[1];
    }
    return at;
  }

  // Looks at the row's neighbours; the best place in the pool that one of them took.
  size_t expand(uint32_t row, const uint8_t* query, size_t ef, Scratch& scratch) const {
    const std::span<const uint32_t> counted(
        reinterpret_cast<const uint32_t*>(node(row) + store_.bytes()), layout_.links + 1);
    scratch.fresh.clear();
    for (const uint32_t link : links_of(counted, layout_.links, header_.rows)) {
      if (!scratch.mark(link)) continue;
      scratch.fresh.push_back(link);
      prefetch(link);
    }
    size_t best = scratch.pool.size();
    for (const uint32_t link : scratch.fresh) {
      const float similarity = store_.similarity(node(link), query);
      std::vector<Found>& pool = scratch.pool;
      if (pool.size() == ef) {
        if (!(similarity > pool.back().similarity)) continue;
        pool.pop_back();
      }
      const auto at = std::upper_bound(
          pool.begin(), pool.end(), similarity,
          [](float value, const Found& found) { return value > found.similarity; });
      best = std::min(best, static_cast<size_t>(at - pool.begin()));
      pool.insert(at, {similarity, link, false});
    }
    return best;
  }

  void prefetch(uint32_t row) const {
    constexpr size_t kLine = 64;
    const uint8_t* at =
        file_.bytes().data() + stored::kHeaderBytes + row * uint64_t{layout_.node_bytes};
    for (size_t i = 0; i < store_.bytes(); i += kLine) __builtin_prefetch(at + i);
  }

  fs::path path_;
  MappedFile file_;
  graph::Header header_;
  graph::Layout layout_;
  VectorStore store_;
  stored::CheckedBlocks blocks_;
  stored::StoredEmbeddings embeddings_;
};

Result<std::unique_ptr<const GraphIndex>> GraphIndex::open(const fs::path& folder) {
  if (!fs::exists(folder / kGraphFile)) return Failure{"there is none"};
  auto file = std::make_unique<const File>(folder);
  if (const std::string changed = file->changed(); !changed.empty())
    return Failure{changed + " has changed since it was made"};
  return std::unique_ptr<const GraphIndex>(new GraphIndex(std::move(file)));
}

GraphIndex::GraphIndex(std::unique_ptr<const File> file) : file_(std::move(file)) {}

GraphIndex::~GraphIndex() = default;

size_t GraphIndex::size() const { return file_->header().rows; }

size_t GraphIndex::dim() const { return file_->header().dim; }

std::string_view GraphIndex::id(size_t row) const { return file_->embeddings().line(row); }

bool GraphIndex::made_with(const GraphOptions& options) const {
  const graph::Header& header = file_->header();
  return header.m == options.m && header.ef_construction == options.ef_construction &&
         header.store == static_cast<uint32_t>(options.store) && header.seed == options.seed;
}

std::vector<std::vector<Hit>> GraphIndex::search(const Rows& queries, const SearchOptions& options,
                                                 size_t ef) const {
  require_searchable(queries, size(), dim(), options);
  std::vector<std::vector<Hit>> results(queries.count());
  if (size() == 0) return results;
  // Beyond what is asked for: the query itself, and rows that only seem worse.
  const size_t top = std::min(size(), options.top) + (options.exclude_self ? 1 : 0);
  const size_t read = 2 * top + 16;
  constexpr size_t kPiece = 32;
  const Ids ids(file_->embeddings());
  parallel_each((queries.count() + kPiece - 1) / kPiece, resolve_threads(options.threads),
                [&](size_t piece) {
                  Scratch scratch(size());
                  scratch.query.resize(file_->store().bytes());
                  std::vector<float> row(dim());
                  const size_t end = std::min((piece + 1) * kPiece, queries.count());
                  for (size_t q = piece * kPiece; q < end; ++q) {
                    file_->store().encode(queries.row(q), scratch.query.data());
                    file_->search(std::max(ef, top), scratch);
                    TopHits hits(options.top, ids);
                    for (size_t i = 0; i < std::min(read, scratch.pool.size()); ++i) {
                      const uint32_t found = scratch.pool[i].row;
                      if (options.exclude_self && ids[found] == queries.ids[q]) continue;
                      file_->embeddings().rows().read(found, 1, row.data());
                      hits.add({found, static_cast<float>(dot(queries.row(q), row.data(), dim()))});
                    }
                    results[q] = hits.take();
                  }
                  if (options.on_done) options.on_done(end - piece * kPiece);
                });
  return results;
}

void GraphIndex::check() const { file_->check_all(); }

}  // namespace cairn::search
