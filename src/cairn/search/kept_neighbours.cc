#include "cairn/search/kept_neighbours.h"

#include <algorithm>
#include <map>
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
NeighbourLists usable_lists(const fs::path& file, const NeighbourKey& key, bool warn) {
  if (!fs::exists(file)) return NeighbourLists(key);
  auto read = NeighbourLists::read(file);
  if (!read.ok()) {
    if (warn) log_warning(file.string() + ": " + read.reason() + "; it is made anew");
    return NeighbourLists(key);
  }
  return read.value().key() == key ? std::move(read.value()) : NeighbourLists(key);
}

// Searches for the lists of `missing` rows, each with its place in `which`.
void find_lists(const Rows& from, const std::map<size_t, size_t>& missing, const ExactIndex& index,
                const SearchOptions& options, NeighbourLists& found) {
  constexpr size_t kBatch = 32768;  // bounds the memory of their copies
  for (auto at = missing.begin(); at != missing.end();) {
    std::vector<size_t> rows;
    std::vector<float> values;
    std::vector<std::string> ids;
    std::vector<float> floors;
    for (; at != missing.end() && rows.size() < kBatch; ++at) {
      const auto [row, place] = *at;
      rows.push_back(row);
      values.insert(values.end(), from.row(row), from.row(row) + from.dim);
      ids.push_back(std::to_string(row));
      if (!options.floors.empty()) floors.push_back(options.floors[place]);
    }
    SearchOptions search = options;
    search.floors = floors;
    const auto lists = index.search({values, ids, from.dim}, search);
    for (size_t i = 0; i < rows.size(); ++i) {
      std::vector<uint32_t> list;
      for (const Hit& hit : lists[i]) list.push_back(static_cast<uint32_t>(hit.row));
      found.append(rows[i], list);
    }
  }
}

// What another run has written meanwhile stays; one that writes at this very moment may lose.
void keep(const fs::path& file, NeighbourLists& lists) {
  try {
    lists.add(usable_lists(file, lists.key(), false));
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
  require_searchable(from, rows.count(), rows.dim, {.top = options.top});
  CAIRN_ASSERT(options.floors.empty() || options.floors.size() == which.size());
  NeighbourKey key{from.count(), rows.count(), rows.dim, 0, 0};
  const size_t length = std::min(options.top, rows.count());
  NeighbourLists lists(key);
  if (!file.empty()) {
    const bool own = from.values.data() == rows.values.data() && from.count() == rows.count();
    key.index_checksum = checksum_of(rows, true);
    key.from_checksum = own ? key.index_checksum : checksum_of(from, false);
    lists = usable_lists(file, key, true);
  }
  std::map<size_t, size_t> missing;  // rows, and where they stand in `which`
  for (size_t i = 0; i < which.size(); ++i)
    if (lists.find(which[i]).size() < length) missing.emplace(which[i], i);
  if (options.on_done && missing.size() < which.size())
    options.on_done(which.size() - missing.size());
  if (!missing.empty()) {
    NeighbourLists found(key);
    find_lists(from, missing, index, options, found);
    lists.add(found);
    if (!file.empty()) keep(file, lists);
  }
  std::vector<std::vector<uint32_t>> results;
  results.reserve(which.size());
  for (const size_t row : which) {
    const auto list = lists.find(row);
    const auto best = list.first(std::min(length, list.size()));
    results.emplace_back(best.begin(), best.end());
  }
  return results;
}

}  // namespace cairn::search
