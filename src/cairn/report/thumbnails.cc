#include "cairn/report/thumbnails.h"

#include <algorithm>
#include <cmath>

#include "cairn/dataset/photos.h"
#include "cairn/report/html.h"

namespace cairn::report {
namespace {

constexpr int kQuality = 78;

// The mean of each block of factor × factor pixels; what does not fill a block at the right and the
// bottom is cut off.
image::Image average_blocks(const image::Image& photo, int factor) {
  image::Image small{photo.width / factor, photo.height / factor, {}};
  small.pixels.resize(static_cast<size_t>(small.width) * static_cast<size_t>(small.height) * 3);
  const int area = factor * factor;
  size_t out = 0;
  for (int y = 0; y < small.height; ++y) {
    for (int x = 0; x < small.width; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        int sum = area / 2;
        for (int k = 0; k < area; ++k) {
          const int row = y * factor + k / factor;
          const int column = x * factor + k % factor;
          sum += photo.pixels[(static_cast<size_t>(row) * static_cast<size_t>(photo.width) +
                               static_cast<size_t>(column)) *
                                  3 +
                              static_cast<size_t>(channel)];
        }
        small.pixels[out++] = static_cast<uint8_t>(sum / area);
      }
    }
  }
  return small;
}

}  // namespace

image::Image shrink(const image::Image& photo, int side) {
  const int longest = std::max(photo.width, photo.height);
  if (longest <= side) return photo;
  const double scale = static_cast<double>(side) / longest;
  const int width = std::max(1, static_cast<int>(std::lround(photo.width * scale)));
  const int height = std::max(1, static_cast<int>(std::lround(photo.height * scale)));
  const int factor = std::min({longest / side, photo.width, photo.height});
  return image::resize_bilinear(factor > 1 ? average_blocks(photo, factor) : photo, width, height);
}

std::string thumbnail(const std::filesystem::path& photo, int side) {
  if (photo.empty()) return "";
  const Result<image::Image> decoded = image::read_image(photo);
  if (!decoded.ok()) return "";
  return "data:image/jpeg;base64," +
         base64(image::encode_jpeg(shrink(decoded.value(), side), kQuality));
}

std::filesystem::path PhotoFinder::find(const std::string& id) {
  if (folder_.empty()) return {};
  // Ids come from tables: one with a slash could lead out of the folder.
  if (id.size() >= 3 && id.find('/') == std::string::npos) {
    std::error_code ignored;
    const std::filesystem::path usual =
        folder_ / id.substr(0, 1) / id.substr(1, 1) / id.substr(2, 1) / (id + ".jpg");
    if (std::filesystem::exists(usual, ignored)) return usual;
  }
  if (!listed_) {
    for (dataset::Photo& photo : dataset::find_photos(folder_)) {
      by_id_.emplace(std::move(photo.id), std::move(photo.path));
    }
    listed_ = true;
  }
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::filesystem::path() : found->second;
}

}  // namespace cairn::report
