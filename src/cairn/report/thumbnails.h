// Small JPEGs inside the page.
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "cairn/image/image.h"

namespace cairn::report {

// The photo made smaller so that no side is longer than `side`: averaged over whole blocks of
// pixels first, so that fine texture does not alias. Smaller photos stay as they are.
image::Image shrink(const image::Image& photo, int side);

// The photo as a data: URI, or empty where it cannot be read.
std::string thumbnail(const std::filesystem::path& photo, int side);

// Finds the photos of one folder in the Google Landmarks v2 layout, or in any other: looks where
// the layout says first, and lists the whole folder only when something is not there.
class PhotoFinder {
 public:
  explicit PhotoFinder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // Empty where there is no such photo.
  std::filesystem::path find(const std::string& id);

 private:
  std::filesystem::path folder_;  // empty: there are no photos
  bool listed_ = false;
  std::unordered_map<std::string, std::filesystem::path> by_id_;
};

}  // namespace cairn::report
