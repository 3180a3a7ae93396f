#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>
#include <system_error>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/dataset/photos.h"

namespace cairn::dataset {
namespace {

// What find_photos knows of a file: where it is, and how much of that its id tells.
struct Found {
  std::string id;
  std::string path;
  enum Naming : uint8_t { kFileName, kRelativePath, kRelativePathWithEnding } naming = kFileName;
};

// Position of the dot before the ending, npos where the file name has none.
size_t ending_position(const std::string& path) {
  const size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  const size_t dot = path.rfind('.');
  return dot == std::string::npos || dot <= name ? std::string::npos : dot;
}

// Walks a tree without recursion: folders in sorted order, so that which of two links to a folder
// is entered does not depend on the file system.
class Walk {
 public:
  explicit Walk(const fs::path& root) { enter(root, true); }

  std::vector<Found> run() {
    while (!pending_.empty()) {
      const std::string folder = std::move(pending_.back());
      pending_.pop_back();
      enter(folder, false);
    }
    return std::move(found_);
  }

 private:
  void enter(const fs::path& folder, bool is_root) {
    struct stat status {};
    std::error_code failed;
    if (::stat(folder.c_str(), &status) != 0) failed.assign(errno, std::generic_category());
    if (!failed && !entered_.emplace(status.st_dev, status.st_ino).second) return;
    fs::directory_iterator entries;
    if (!failed) entries = fs::directory_iterator(folder, failed);
    std::vector<std::string> folders;
    while (!failed && entries != fs::directory_iterator()) {
      take(*entries, folders);
      entries.increment(failed);
    }
    if (failed && is_root) {
      throw Error(folder.string() + ": cannot read the folder: " + failed.message());
    }
    if (failed) {
      log_warning(folder.string() + ": left out, cannot read the folder: " + failed.message());
    }
    std::sort(folders.rbegin(), folders.rend());
    std::move(folders.begin(), folders.end(), std::back_inserter(pending_));
  }

  void take(const fs::directory_entry& entry, std::vector<std::string>& folders) {
    const std::string& path = entry.path().native();
    std::error_code ignored;
    if (entry.is_directory(ignored)) {
      folders.push_back(path);
    } else if (looks_like_photo(path)) {
      found_.push_back({{}, path});
    }
  }

  std::vector<std::string> pending_;  // the next folder is the last one
  std::set<std::pair<dev_t, ino_t>> entered_;
  std::vector<Found> found_;
};

// The id that a photo's naming gives it; prefix is the length of the root in its path.
std::string id_of(const Found& photo, size_t prefix) {
  if (photo.naming == Found::kRelativePathWithEnding) return photo.path.substr(prefix);
  const size_t begin = photo.naming == Found::kFileName ? photo.path.rfind('/') + 1 : prefix;
  return photo.path.substr(begin, ending_position(photo.path) - begin);
}

}  // namespace

bool looks_like_photo(const std::string& path) {
  static constexpr std::array<std::string_view, 6> kEndings = {"jpg",  "jpeg", "png",
                                                               "webp", "heic", "heif"};
  const size_t dot = ending_position(path);
  if (dot == std::string::npos) return false;
  std::string ending = path.substr(dot + 1);
  for (char& c : ending) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::vector<Photo> find_photos(const fs::path& folder) {
  std::vector<Found> found = Walk(folder).run();
  // Paths of entries are the root's, a slash where it does not end in one, and the rest.
  const std::string& root = folder.native();
  const size_t prefix = root.size() + (root.ends_with('/') ? 0 : 1);
  for (Found& photo : found) photo.id = id_of(photo, prefix);

  const auto by_id = [](const Found& a, const Found& b) {
    return std::pair(std::string_view(a.id), std::string_view(a.path)) <
           std::pair(std::string_view(b.id), std::string_view(b.path));
  };
  std::sort(found.begin(), found.end(), by_id);
  for (bool renamed = true; renamed;) {
    renamed = false;
    for (size_t begin = 0, end = 0; begin < found.size(); begin = end) {
      for (end = begin + 1; end < found.size() && found[end].id == found[begin].id;) ++end;
      for (size_t i = begin; end - begin > 1 && i < end; ++i) {
        Found& photo = found[i];
        if (photo.naming == Found::kRelativePathWithEnding) continue;
        photo.naming = photo.naming == Found::kFileName ? Found::kRelativePath
                                                        : Found::kRelativePathWithEnding;
        renamed = true;
      }
    }
    if (!renamed) break;
    for (Found& photo : found) {
      if (photo.naming != Found::kFileName) photo.id = id_of(photo, prefix);
    }
    std::sort(found.begin(), found.end(), by_id);
  }

  std::vector<Photo> photos;
  photos.reserve(found.size());
  for (Found& photo : found) photos.push_back({std::move(photo.id), std::move(photo.path)});
  return photos;
}

}  // namespace cairn::dataset
