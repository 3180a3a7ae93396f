// What landmarks are called.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>

namespace cairn::report {

// "http://commons.wikimedia.org/wiki/Category:Eiffel_Tower" is "Eiffel Tower"; other texts stay.
std::string category_name(const std::string& category);

// Landmark names from tables landmark_id,category.
class LandmarkNames {
 public:
  // Adds a table's names; the first name of a landmark stays. Throws Error.
  void add(const std::filesystem::path& table);
  // The name, or "landmark 42".
  std::string of(int64_t landmark) const;

 private:
  std::unordered_map<std::string, std::string> names_;  // by landmark id as text
};

}  // namespace cairn::report
