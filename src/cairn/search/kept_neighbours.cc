#include "cairn/search/kept_neighbours.h"

#include <algorithm>
#include <string>

#include "cairn/base/checksum.h"
#include "cairn/base/log.h"
#include "cairn/search/neighbour_file.h"

namespace cairn::search {
namespace {

namespace fs = std::filesystem;

uint64_t checksum_of(const Rows& rows, bool with_ids) {
  Checksum sum;
  sum.update({reinterpret_cast<const uint8_t*>(rows.values.data()), rows.values.size_bytes()});
  if (with_ids) {
    for (const std::string& id : rows.ids) {
      // With the zero that ends it, which no id has.
      sum.update({reinterpret_cast<const uint8_t*>(id.c_str()), id.size() + 1});
    }
  }
  return sum.value();
}

// The lists in a file that can be used as they are; none where there are none.
NeighbourLists usable_lists(const fs::path& file, const NeighbourKey& key, size_t width,
                            bool warn) {
  if (!fs::exists(file)) return {key, width};
  auto read = NeighbourLists::read(file);
  if (!read.ok()) {
    if (warn) log_warning(file.string() + ": " + read.reason() + "; it is made anew");
    return {key, width};
  }
  if (!(read.value().key() == key) || read.value().width() < width) return {key, width};
  return std::move(read.value());
}

// Searches for the lists of some rows.
void find_lists(const Rows& from, std::span<const size_t> which, const ExactIndex& index,
                const SearchOptions& options, NeighbourLists& found) {
  constexpr size_t kBatch = 32768;  // bounds the memory of their copies
  for (size_t begin = 0; begin < which.size(); begin += kBatch) {
    const auto batch = which.subspan(begin, std::min(kBatch, which.size() - begin));
    std::vector<float> values;
    values.reserve(batch.size() * from.dim);
    std::vector<std::string> ids;
    for (const size_t row : batch) {
      values.insert(values.end(), from.row(row), from.row(row) + from.dim);
      ids.push_back(std::to_string(row));
    }
    const auto lists = index.search({values, ids, from.dim}, options);
    for (size_t i = 0; i < batch.size(); ++i) {
      std::vector<uint32_t> list;
      for (const Hit& hit : lists[i]) list.push_back(static_cast<uint32_t>(hit.row));
      found.append(batch[i], list);
    }
  }
}

// What another run has written meanwhile stays; one that writes at this very moment may lose.
void keep(const fs::path& file, NeighbourLists& lists) {
  try {
    const NeighbourLists there = usable_lists(file, lists.key(), lists.width(), false);
    if (there.width() == lists.width()) lists.add(there);
    lists.write(file);
  } catch (const Error& error) {
    log_warning(std::string(error.what()) + "; neighbours are not kept");
  }
}

}  // namespace

std::vector<std::vector<uint32_t>> kept_neighbours(const fs::path& file, const Rows& from,
                                                   std::span<const size_t> which,
                                                   const ExactIndex& index,
                                                   const SearchOptions& options) {
  const Rows& rows = index.rows();
  require_searchable(from, rows.count(), rows.dim, options);
  NeighbourKey key{from.count(), rows.count(), rows.dim, 0, 0};
  const size_t width = std::min(options.top, rows.count());
  NeighbourLists lists(key, width);
  if (!file.empty()) {
    const bool own = from.values.data() == rows.values.data() && from.count() == rows.count();
    key.index_checksum = checksum_of(rows, true);
    key.from_checksum = own ? key.index_checksum : checksum_of(from, false);
    lists = usable_lists(file, key, width, true);
  }
  std::vector<size_t> missing;
  for (const size_t row : which)
    if (lists.find(row).empty()) missing.push_back(row);
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  if (options.on_done && missing.size() < which.size())
    options.on_done(which.size() - missing.size());
  if (!missing.empty() && width > 0) {
    SearchOptions search = options;
    search.top = lists.width();
    NeighbourLists found(key, lists.width());
    find_lists(from, missing, index, search, found);
    lists.add(found);
    if (!file.empty()) keep(file, lists);
  }
  std::vector<std::vector<uint32_t>> results;
  results.reserve(which.size());
  for (const size_t row : which) {
    const auto list = lists.find(row);
    const auto best = list.first(std::min(width, list.size()));
    results.emplace_back(best.begin(), best.end());
  }
  return results;
}

}  // namespace cairn::search
