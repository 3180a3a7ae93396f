#include "cairn_train/data/origins.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <unordered_map>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/dataset/countries.h"
#include "cairn/dataset/list_file.h"
#include "cairn/dataset/photos.h"

namespace cairn::data {

namespace fs = std::filesystem;

bool is_list(const fs::path& table) {
  const CsvReader reader(table);
  return reader.has_column("id") && reader.has_column("path") && reader.has_column("noisy");
}

int continent_index(const std::string& name) {
  if (name.empty()) return -1;
  const auto found = std::ranges::find(kContinents, name);
  return static_cast<int>(found == kContinents.end() ? kContinents.size() - 1
                                                     : found - kContinents.begin());
}

std::vector<Sample> listed(const fs::path& root, const fs::path& list,
                           std::vector<std::string>& missing_ids) {
  std::vector<Sample> photos;
  dataset::for_each_row(list, [&](dataset::ListRow&& row) {
    fs::path path = root / row.path;
    std::error_code failed;
    if (!fs::exists(path, failed)) {
      missing_ids.push_back(std::move(row.id));
      return;
    }
    Sample photo{std::move(row.id), std::move(path), row.landmark};
    photo.noisy = row.noisy;
    photo.continent = continent_index(row.continent);
    photos.push_back(std::move(photo));
  });
  if (photos.empty() && missing_ids.empty()) throw Error(list.string() + ": lists no photo");
  if (photos.empty())
    throw Error(
        fmt::format("{}: none of its photos is below {}; set data.root to the dataset that the "
                    "list was made of",
                    list.string(), root.string()));
  return photos;
}

void add_origins(const DataOptions& options, std::vector<Sample>& photos) {
  const fs::path root = options.root;
  if (!options.clean_table.empty()) {
    std::unordered_map<std::string, int64_t> clean;
    for (dataset::Label& label : dataset::read_labels(root / options.clean_table))
      clean.emplace(std::move(label.id), label.landmark);
    for (Sample& photo : photos) {
      const auto found = clean.find(photo.id);
      photo.noisy = found == clean.end() || found->second != photo.landmark;
    }
  }
  if (options.country.empty()) return;
  const dataset::GldRoot parts(root);
  const auto places = dataset::landmark_places(
      parts.need(&dataset::GldRoot::train_categories, "train/train_label_to_category.csv"),
      dataset::CountryTable(root / options.country));
  for (Sample& photo : photos) {
    const auto found = places.find(photo.landmark);
    photo.continent =
        continent_index(found == places.end() ? dataset::kOtherContinent : found->second.continent);
  }
}

}  // namespace cairn::data
