// Which country and continent a landmark stands in, from the country files of a dataset.
//
//   FOLDER/CC.json                [{"name": "Eiffel_Tower", "id": 5774}, …]: categories in country
//   CC FOLDER/country_codes.json     {"CC": …}: the countries, in order; without it, CC.json by
//   name FOLDER/continent_codes.csv    columns Continent_Name, Two_Letter_Country_Code
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cairn/dataset/gld_root.h"

namespace cairn::dataset {

// The continent of what is in no known country.
inline constexpr const char* kOtherContinent = "OTHER";

struct Place {
  std::string country;    // two letters or OTHER (the files' word for "elsewhere"); empty: unknown
  std::string continent;  // a Continent_Name ("North America") or OTHER

  bool operator==(const Place&) const = default;
};

class CountryTable {
 public:
  CountryTable() = default;  // knows no country
  // Throws Error with the file where the folder or a file that country_codes.json names is missing
  // or malformed.
  explicit CountryTable(const std::filesystem::path& folder);

  // The countries; their positions are the country ids of the reference.
  const std::vector<std::string>& countries() const { return countries_; }

  // Where a category ("Eiffel_Tower", as category_key gives it) is. Of several countries the last
  // one that lists it counts; of several continents of a country, the last row of the table. XK is
  // in Europe. A category in no file has an empty country and the continent OTHER.
  Place of(const std::string& category) const;

 private:
  std::vector<std::string> countries_;
  std::vector<std::string> continents_;                 // of each country
  std::unordered_map<std::string, size_t> country_of_;  // by category; a position in countries_
};

// "http://commons.wikimedia.org/wiki/Category:Eiffel_Tower" is "Eiffel_Tower" (still
// percent-coded); other texts stay.
std::string category_key(std::string_view category);

// A table landmark_id,category, in file order; categories as category_key gives them. Throws Error
// with file and line on a malformed row, or a landmark given two categories.
std::vector<std::pair<int64_t, std::string>> read_categories(const std::filesystem::path& table);

// The place of each landmark of a table landmark_id,category (the dataset's own ids).
std::unordered_map<int64_t, Place> landmark_places(const std::filesystem::path& category_table,
                                                   const CountryTable& countries);
// As above, for the landmarks of train. Throws Error where the root has no
// train/train_label_to_category.csv or no country files.
std::unordered_map<int64_t, Place> landmark_places(const GldRoot& root);

}  // namespace cairn::dataset
