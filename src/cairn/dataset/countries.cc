#include "cairn/dataset/countries.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/dataset/text.h"

namespace cairn::dataset {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCodes = "country_codes.json";

Json read_json(const fs::path& file) {
  try {
    return Json::parse(read_text(file));
  } catch (const Json::parse_error& error) {
    throw Error(file.string() + ": not JSON: " + error.what());
  }
}

std::vector<std::string> country_names(const fs::path& folder) {
  std::error_code failed;
  const fs::directory_iterator entries(folder, failed);
  if (failed) throw Error(folder.string() + ": cannot read the folder: " + failed.message());
  std::vector<std::string> names;
  if (fs::exists(folder / kCodes, failed)) {
    const Json codes = read_json(folder / kCodes);
    if (!codes.is_object())
      throw Error((folder / kCodes).string() + ": must be an object with a key for each country");
    for (const auto& [country, code] : codes.items()) names.push_back(country);
  } else {
    for (const fs::directory_entry& entry : entries) {
      if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
  }
  if (names.empty()) {
    throw Error(folder.string() + ": no country files (FR.json, …, " + kCodes +
                ", continent_codes.csv)");
  }
  return names;
}

std::unordered_map<std::string, std::string> read_continents(const fs::path& table) {
  CsvReader reader(table);
  const size_t continent = reader.column("Continent_Name");
  const size_t country = reader.column("Two_Letter_Country_Code");
  std::unordered_map<std::string, std::string> continents;
  std::vector<std::string> fields;
  while (reader.next(fields)) continents[fields[country]] = fields[continent];
  return continents;
}

}  // namespace

CountryTable::CountryTable(const fs::path& folder) : countries_(country_names(folder)) {
  const auto continents = read_continents(folder / "continent_codes.csv");
  for (size_t i = 0; i < countries_.size(); ++i) {
    const std::string& country = countries_[i];
    const auto known = continents.find(country);
    if (country == "OTHER" || (known == continents.end() && country != "XK")) {
      continents_.emplace_back(kOtherContinent);
    } else {
      continents_.push_back(country == "XK" ? "Europe" : known->second);
    }
    const fs::path file = folder / (country + ".json");
    const Json categories = read_json(file);
    if (!categories.is_array()) throw Error(file.string() + ": must be a list of categories");
    for (const Json& category : categories) {
      const auto name = category.is_object() ? category.find("name") : category.end();
      if (!category.is_object() || name == category.end() || !name->is_string())
        throw Error(file.string() + ": a category must be an object with a text \"name\"");
      country_of_[name->get<std::string>()] = i;
    }
  }
}

Place CountryTable::of(const std::string& category) const {
  const auto found = country_of_.find(category);
  if (found == country_of_.end()) return {"", kOtherContinent};
  return {countries_[found->second], continents_[found->second]};
}

std::string category_key(std::string_view category) {
  static constexpr std::string_view kMark = "/Category:";
  const size_t mark = category.find(kMark);
  return std::string(mark == std::string_view::npos ? category
                                                    : category.substr(mark + kMark.size()));
}

std::vector<std::pair<int64_t, std::string>> read_categories(const fs::path& table) {
  CsvReader reader(table);
  const size_t landmark_column = reader.column("landmark_id");
  const size_t category_column = reader.column("category");
  std::vector<std::pair<int64_t, std::string>> categories;
  std::unordered_map<int64_t, size_t> seen;
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    const int64_t landmark = parse_landmark(fields[landmark_column], reader.where());
    std::string category = category_key(fields[category_column]);
    const auto [earlier, is_new] = seen.emplace(landmark, categories.size());
    if (is_new) {
      categories.emplace_back(landmark, std::move(category));
    } else if (categories[earlier->second].second != category) {
      throw Error(reader.where() + ": landmark " + std::to_string(landmark) + " is \"" + category +
                  "\" here and \"" + categories[earlier->second].second +
                  "\" earlier in the table");
    }
  }
  return categories;
}

std::unordered_map<int64_t, Place> landmark_places(const fs::path& category_table,
                                                   const CountryTable& countries) {
  std::unordered_map<int64_t, Place> places;
  for (const auto& [landmark, category] : read_categories(category_table))
    places.emplace(landmark, countries.of(category));
  return places;
}

std::unordered_map<int64_t, Place> landmark_places(const GldRoot& root) {
  return landmark_places(
      root.need(&GldRoot::train_categories, "train/train_label_to_category.csv"),
      CountryTable(root.need(&GldRoot::countries, "country/ (or country_info/) folder")));
}

}  // namespace cairn::dataset
