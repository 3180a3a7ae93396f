#include "cairn_train/data/photo_store.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cairn::data {
namespace {

image::DecodeOptions decode_options(Decoding decoding, int short_side) {
  image::DecodeOptions options;
  if (decoding == Decoding::kReduced) options.min_short_side = short_side;
  return options;
}

image::Image reduce(image::Image photo, int short_side) {
  const int shorter = std::min(photo.width, photo.height);
  if (shorter <= short_side) return photo;
  const double factor = static_cast<double>(short_side) / shorter;
  return image::resize_bilinear(photo, static_cast<int>(std::lround(photo.width * factor)),
                                static_cast<int>(std::lround(photo.height * factor)));
}

}  // namespace

PhotoStore::PhotoStore(std::vector<std::filesystem::path> paths, int short_side,
                       uint64_t budget_bytes, Decoding decoding)
    : paths_(std::move(paths)),
      short_side_(short_side),
      decode_(decode_options(decoding, short_side)),
      budget_(budget_bytes),
      photos_(paths_.size()),
      failures_(paths_.size()) {}

Result<std::shared_ptr<const image::Image>> PhotoStore::get(size_t i) {
  {
    const std::lock_guard lock(mutex_);
    if (photos_.at(i)) return photos_[i];
    if (!failures_[i].empty()) return Failure{failures_[i]};
  }
  Result<image::Image> decoded = image::read_image(paths_[i], decode_);
  if (!decoded) {
    const std::lock_guard lock(mutex_);
    failures_[i] = decoded.reason().empty() ? "unreadable" : decoded.reason();
    return Failure{failures_[i]};
  }
  auto photo =
      std::make_shared<const image::Image>(reduce(std::move(decoded.value()), short_side_));
  keep(i, photo);
  return photo;
}

void PhotoStore::keep(size_t i, const std::shared_ptr<const image::Image>& photo) {
  const std::lock_guard lock(mutex_);
  const uint64_t bytes = photo->pixels.size();
  if (photos_[i] || held_ + bytes > budget_) return;
  held_ += bytes;
  photos_[i] = photo;
}

std::vector<PhotoStore::Broken> PhotoStore::broken() const {
  const std::lock_guard lock(mutex_);
  std::vector<Broken> list;
  for (size_t i = 0; i < failures_.size(); ++i)
    if (!failures_[i].empty()) list.push_back({i, failures_[i]});
  return list;
}

}  // namespace cairn::data
