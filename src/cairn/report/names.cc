#include "cairn/report/names.h"

#include <algorithm>
#include <vector>

#include "cairn/base/csv.h"
#include "cairn/dataset/countries.h"

namespace cairn::report {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// %C3%A9 and so on; what is no such triple stays.
std::string percent_decoded(const std::string& text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() && text[i] == '%' ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      decoded += text[i];
    } else {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

}  // namespace

std::string category_name(const std::string& category) {
  const std::string key = dataset::category_key(category);
  if (key == category) return category;
  std::string name = percent_decoded(key);
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

void LandmarkNames::add(const std::filesystem::path& table) {
  CsvReader reader(table);
  const size_t id = reader.column("landmark_id");
  const size_t category = reader.column("category");
  std::vector<std::string> fields;
  while (reader.next(fields)) names_.emplace(fields[id], category_name(fields[category]));
}

std::string LandmarkNames::of(int64_t landmark) const {
  const auto found = names_.find(std::to_string(landmark));
  return found == names_.end() ? "landmark " + std::to_string(landmark) : found->second;
}

}  // namespace cairn::report
