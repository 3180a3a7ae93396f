#include "cairn/dataset/gld_root.h"

#include <system_error>

#include "cairn/base/error.h"

namespace cairn::dataset {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

fs::path folder_or_nothing(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? path : fs::path();
}

// The table in the part's folder or in the root.
fs::path find_table(const fs::path& root, const char* part, const std::string& name) {
  for (const fs::path& path : {root / part / name, root / name}) {
    if (is_file(path)) return path;
  }
  return {};
}

fs::path find_solution(const fs::path& root, const std::string& kind) {
  const std::string stem = kind + "_solution";
  if (fs::path path = find_table(root, "test", stem + "_v2.1.csv"); !path.empty()) return path;
  for (const fs::path& folder : {root / "test", root}) {
    fs::path best;
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
      const std::string name = entry->path().filename().string();
      if (name.starts_with(stem) && name.ends_with(".csv") && name > best.filename().string() &&
          is_file(entry->path())) {
        best = entry->path();
      }
    }
    if (!best.empty()) return best;
  }
  return {};
}

}  // namespace

GldRoot::GldRoot(const fs::path& folder) : root(folder) {
  std::error_code failed;
  const fs::directory_iterator readable(root, failed);
  if (failed) throw Error(root.string() + ": cannot read the folder: " + failed.message());
  train = folder_or_nothing(root / "train");
  index = folder_or_nothing(root / "index");
  test = folder_or_nothing(root / "test");
  train_table = find_table(root, "train", "train.csv");
  train_clean_table = find_table(root, "train", "train_clean.csv");
  train_categories = find_table(root, "train", "train_label_to_category.csv");
  index_table = find_table(root, "index", "index_image_to_landmark.csv");
  index_categories = find_table(root, "index", "index_label_to_category.csv");
  recognition_solution = find_solution(root, "recognition");
  retrieval_solution = find_solution(root, "retrieval");
  countries = folder_or_nothing(root / "country");
  if (countries.empty()) countries = folder_or_nothing(root / "country_info");
}

const fs::path& GldRoot::need(fs::path GldRoot::*part, const std::string& name) const {
  const fs::path& path = this->*part;
  if (path.empty()) {
    throw Error(root.string() + ": no " + name +
                "; is this the root of a dataset in the Google Landmarks v2 layout?");
  }
  return path;
}

}  // namespace cairn::dataset
