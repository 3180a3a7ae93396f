#include "cairn/embed/merge.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/progress.h"
#include "cairn/embed/embedding_set.h"
#include "cairn/embed/meta_json.h"

namespace cairn::embed {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kShardKey = "shard";
constexpr size_t kBlockRows = 4096;

bool is_shard_folder(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  return entry.is_directory() && name.starts_with("shard-") &&
         name.find("-of-") != std::string::npos;
}

// The sets that the folders stand for.
std::vector<fs::path> expand(const std::vector<fs::path>& folders, const fs::path& out) {
  std::vector<fs::path> sets;
  for (const fs::path& folder : folders) {
    if (!fs::is_directory(folder)) throw Error(folder.string() + ": no such embedding folder");
    std::error_code ignored;
    const bool is_out = fs::equivalent(folder, out, ignored);
    std::vector<fs::path> shards;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (is_shard_folder(entry)) shards.push_back(entry.path());
    }
    if (shards.empty() || (is_embedding_folder(folder) && !is_out)) {
      sets.push_back(folder);
    } else {
      std::sort(shards.begin(), shards.end());
      sets.insert(sets.end(), shards.begin(), shards.end());
    }
  }
  if (sets.empty()) throw Error("nothing to merge");
  return sets;
}

Json parse_meta(const std::string& text, const fs::path& folder) {
  Json meta = Json::parse(text, nullptr, false);
  if (!meta.is_object()) throw Error((folder / "meta.json").string() + ": not a JSON object");
  return meta;
}

// Throws where a list of photos was embedded in shards and not all of them are here.
void require_all_shards(const std::vector<Json>& metas, const std::vector<fs::path>& folders) {
  struct List {
    std::set<uint64_t> there;
    uint64_t count = 0;
    fs::path folder;
  };
  std::map<std::string, List> lists;
  for (size_t i = 0; i < metas.size(); ++i) {
    const auto shard = metas[i].find(kShardKey);
    if (shard == metas[i].end()) continue;
    const fs::path where = folders[i] / "meta.json";
    if (!shard->is_object() || !shard->contains("list") || !shard->contains("index") ||
        !shard->contains("count") || !(*shard)["index"].is_number_unsigned() ||
        !(*shard)["count"].is_number_unsigned()) {
      throw Error(where.string() + ": damaged at the key shard; embed again");
    }
    const uint64_t count = (*shard)["count"];
    List& list = lists[(*shard)["list"].dump() + std::to_string(count)];
    list.there.insert((*shard)["index"].get<uint64_t>());
    list.count = count;
    list.folder = folders[i];
  }
  for (const auto& [key, list] : lists) {
    for (uint64_t index = 0; index < list.count; ++index) {
      if (list.there.contains(index)) continue;
      const std::string shard = std::to_string(index) + "/" + std::to_string(list.count);
      throw Error(list.folder.parent_path().string() + ": shard " + shard +
                  " is missing; finish it with --shard " + shard + " --resume");
    }
  }
}

// What tells nothing about the numbers: left out of the merged meta.json where it differs.
bool may_differ(const std::string& key) {
  return key == "cairn_version" || key == "model" || key == "max_pixels";
}

bool is_counted(const std::string& key) {
  return key == "photos" || key == "photos_sha256" || key == "dim" || key == "count" ||
         key == kShardKey;
}

void require_same(const Json& first, const Json& other, const fs::path& a, const fs::path& b) {
  const auto text = [](const Json& meta, const std::string& key) {
    return meta.contains(key) ? meta[key].dump() : "none";
  };
  std::vector<std::string> keys;
  for (const Json* meta : {&first, &other}) {
    for (const auto& [key, value] : meta->items()) keys.push_back(key);
  }
  for (const std::string& key : keys) {
    if (may_differ(key) || is_counted(key) || text(first, key) == text(other, key)) continue;
    throw Error(b.string() + ": cannot be merged with " + a.string() + ", which has another " +
                key + " (" + text(first, key) + ", here " + text(other, key) + ")");
  }
}

// The settings that all have in common.
Json common_settings(const std::vector<Json>& metas, const std::vector<fs::path>& folders) {
  Json common = metas[0];
  common.erase(kShardKey);
  for (size_t i = 1; i < metas.size(); ++i) {
    require_same(metas[0], metas[i], folders[0], folders[i]);
    for (const char* key : {"cairn_version", "model", "max_pixels"}) {
      if (common.contains(key) && (!metas[i].contains(key) || metas[i][key] != common[key])) {
        common.erase(key);
      }
    }
  }
  return common;
}

// Where a row stands.
struct Place {
  uint32_t folder = 0;
  uint64_t row = 0;
};

struct Rows {
  std::vector<std::string> ids;  // ascending
  std::vector<Place> places;     // of each
};

void throw_twice(const std::string& id, const fs::path& a, const fs::path& b) {
  throw Error("the id " + id + " is in " + a.string() + (a == b ? " twice" : " and " + b.string()));
}

Rows sort_rows(std::vector<std::unique_ptr<EmbeddingReader>>& readers,
               const std::vector<fs::path>& folders) {
  struct Entry {
    std::string id;
    Place place;
  };
  std::vector<Entry> entries;
  for (uint32_t folder = 0; folder < readers.size(); ++folder) {
    uint64_t row = 0;
    for (std::string& id : readers[folder]->take_ids()) {
      entries.push_back({std::move(id), {folder, row++}});
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.id < b.id; });
  Rows rows;
  rows.ids.reserve(entries.size());
  rows.places.reserve(entries.size());
  for (Entry& entry : entries) {
    if (!rows.ids.empty() && rows.ids.back() == entry.id) {
      throw_twice(entry.id, folders[rows.places.back().folder], folders[entry.place.folder]);
    }
    rows.ids.push_back(std::move(entry.id));
    rows.places.push_back(entry.place);
  }
  return rows;
}

// All skipped photos in id order. Throws where one is there twice, or embedded too.
std::vector<Skipped> sort_skipped(const std::vector<fs::path>& folders, const Rows& rows) {
  std::vector<Skipped> all;
  for (const fs::path& folder : folders) {
    std::vector<Skipped> own = read_skipped(folder);
    std::move(own.begin(), own.end(), std::back_inserter(all));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Skipped& a, const Skipped& b) { return a.id < b.id; });
  for (size_t i = 0; i < all.size(); ++i) {
    if ((i > 0 && all[i - 1].id == all[i].id) ||
        std::binary_search(rows.ids.begin(), rows.ids.end(), all[i].id)) {
      throw Error("the id " + all[i].id + " is skipped (" + all[i].reason +
                  ") in one of the folders and there again in another");
    }
  }
  return all;
}

// Of the list of photos that both together make, as a single run would hash it.
std::string hash_of_list(const Rows& rows, const std::vector<Skipped>& skipped) {
  std::string all;
  size_t next = 0;
  for (const std::string& id : rows.ids) {
    for (; next < skipped.size() && skipped[next].id < id; ++next) all += skipped[next].id + '\n';
    all += id + '\n';
  }
  for (; next < skipped.size(); ++next) all += skipped[next].id + '\n';
  return sha256_hex({reinterpret_cast<const uint8_t*>(all.data()), all.size()});
}

// Rows that follow one another in a folder are copied together.
void copy_rows(const std::vector<Place>& places,
               std::vector<std::unique_ptr<EmbeddingReader>>& readers, size_t dim,
               std::ostream& out) {
  Progress progress("merging", "embeddings", places.size());
  std::vector<float> block;
  for (size_t first = 0; first < places.size();) {
    const auto [folder, row] = places[first];
    size_t count = 1;
    while (count < kBlockRows && first + count < places.size() &&
           places[first + count].folder == folder && places[first + count].row == row + count) {
      ++count;
    }
    block.resize(count * dim);
    readers[folder]->read(row, count, block.data());
    out.write(reinterpret_cast<const char*>(block.data()),
              static_cast<std::streamsize>(block.size() * sizeof(float)));
    first += count;
    progress.advance(count);
  }
}

}  // namespace

MergeSummary merge_embeddings(const std::vector<fs::path>& wanted, const fs::path& out,
                              bool force) {
  const std::vector<fs::path> folders = expand(wanted, out);
  std::vector<std::unique_ptr<EmbeddingReader>> readers;
  std::vector<Json> metas;
  for (const fs::path& folder : folders) {
    readers.push_back(std::make_unique<EmbeddingReader>(folder));
    metas.push_back(parse_meta(readers.back()->meta(), folder));
    if (readers.back()->dim() != readers[0]->dim()) {
      throw Error(folder.string() + ": cannot be merged with " + folders[0].string() +
                  ", whose embeddings have " + std::to_string(readers[0]->dim()) +
                  " dimensions, here " + std::to_string(readers.back()->dim()));
    }
  }
  Json meta = common_settings(metas, folders);
  require_all_shards(metas, folders);
  make_folder(out);
  const FolderLock lock(out);
  if (!force) require_no_embeddings(out);

  const Rows rows = sort_rows(readers, folders);
  const std::vector<Skipped> skipped = sort_skipped(folders, rows);
  MergeSummary summary{folders.size(), rows.ids.size(), skipped.size(), readers[0]->dim()};
  if (meta.contains("photos")) meta["photos"] = summary.embedded + summary.skipped;
  if (meta.contains("photos_sha256")) meta["photos_sha256"] = hash_of_list(rows, skipped);
  meta["dim"] = summary.dim;
  meta["count"] = summary.embedded;
  write_embedding_folder(
      out, summary.dim, rows.ids, skipped, meta_json_text(meta),
      [&](std::ostream& stream) { copy_rows(rows.places, readers, summary.dim, stream); });
  return summary;
}

}  // namespace cairn::embed
