#include "cairn/embed/photo_list.h"

#include <string>
#include <string_view>
#include <unordered_map>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"

namespace cairn::embed {
namespace {

namespace fs = std::filesystem;
using dataset::Photo;

std::vector<Photo> list_of_paths(CsvReader& table, const fs::path& base) {
  const size_t path_column = table.column("path");
  const bool has_id = table.has_column("id");
  const size_t id_column = has_id ? table.column("id") : 0;
  std::vector<Photo> photos;
  for (std::vector<std::string> row; table.next(row);) {
    const fs::path path = row[path_column];
    if (path.empty()) throw Error(table.where() + ": the path is empty");
    photos.push_back({has_id ? row[id_column] : path.stem().string(), (base / path).string()});
  }
  return photos;
}

std::vector<Photo> list_of_ids(CsvReader& table, const fs::path& root) {
  std::unordered_map<std::string, std::string> on_disk;
  for (Photo& photo : dataset::find_photos(root)) on_disk[photo.id] = std::move(photo.path);
  const size_t id_column = table.column("id");
  std::vector<Photo> photos;
  for (std::vector<std::string> row; table.next(row);) {
    const std::string& id = row[id_column];
    const auto found = on_disk.find(id);
    photos.push_back({id, found == on_disk.end() ? (root / id).string() : found->second});
  }
  return photos;
}

std::vector<Photo> read_table(const fs::path& file, const fs::path& root) {
  CsvReader table(file);
  if (table.has_column("path")) {
    return list_of_paths(table, root.empty() ? file.parent_path() : root);
  }
  if (!table.has_column("id")) {
    throw Error(file.string() + ": a list of photos needs a column path, or id with --root");
  }
  if (root.empty()) {
    throw Error(file.string() + ": has ids without paths; say with --root where the photos are");
  }
  return list_of_ids(table, root);
}

// Drops rows that repeat an earlier one: lists name a photo once for each of its landmarks. Other
// photos of an id stay, for embed_photos to refuse.
void drop_repeats(std::vector<Photo>& photos) {
  std::unordered_map<std::string_view, std::string_view> path_of;
  std::vector<Photo> kept;
  kept.reserve(photos.size());  // the map's keys are parts of it
  path_of.reserve(photos.size());
  for (Photo& photo : photos) {
    const auto found = path_of.find(photo.id);
    if (found != path_of.end() && found->second == photo.path) continue;
    kept.push_back(std::move(photo));
    path_of.emplace(kept.back().id, kept.back().path);
  }
  photos = std::move(kept);
}

}  // namespace

std::vector<Photo> read_photo_list(const fs::path& images, const fs::path& root) {
  std::vector<Photo> photos;
  if (fs::is_directory(images)) {
    if (!root.empty()) throw Error("--root goes with a table of photos, not with a folder");
    photos = dataset::find_photos(images);
  } else if (images.extension() == ".csv") {
    photos = read_table(images, root);
    drop_repeats(photos);
  } else {
    throw Error(images.string() + ": neither a folder of photos nor a .csv table of them");
  }
  if (photos.empty()) throw Error(images.string() + ": no photos there");
  return photos;
}

}  // namespace cairn::embed
