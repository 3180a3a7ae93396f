#include "cairn_train/data/crops.h"

#include <algorithm>
#include <cmath>

namespace cairn::data {

image::Image crop(const image::Image& photo, const Box& box) {
  image::Image part;
  part.width = box.width;
  part.height = box.height;
  part.pixels.resize(static_cast<size_t>(box.width) * box.height * 3);
  const size_t row = static_cast<size_t>(box.width) * 3;
  for (int y = 0; y < box.height; ++y) {
    const size_t from = (static_cast<size_t>(box.y + y) * photo.width + box.x) * 3;
    std::copy_n(photo.pixels.begin() + static_cast<std::ptrdiff_t>(from), row,
                part.pixels.begin() + static_cast<std::ptrdiff_t>(row * y));
  }
  return part;
}

Box random_box(const image::Image& photo, const std::array<double, 2>& share,
               const std::array<double, 2>& shape, Rng& random) {
  const double area = random.uniform(share[0], share[1]);
  const double ratio = std::exp(random.uniform(std::log(shape[0]), std::log(shape[1])));
  const double width = std::min(1.0, std::sqrt(area * ratio));
  const double height = std::min(1.0, std::sqrt(area / ratio));
  Box box;
  box.width = std::max(1, static_cast<int>(std::lround(width * photo.width)));
  box.height = std::max(1, static_cast<int>(std::lround(height * photo.height)));
  box.x = static_cast<int>(random.below(static_cast<uint64_t>(photo.width - box.width + 1)));
  box.y = static_cast<int>(random.below(static_cast<uint64_t>(photo.height - box.height + 1)));
  return box;
}

Box detection_box(const image::Image& photo, const std::array<double, 2>& overlap, Rng& random) {
  constexpr int kMostAttempts = 50;
  constexpr double kLeastSide = 0.3;
  const double side = std::sqrt(0.5);  // of the object; the photo is the unit square
  const double limit = random.uniform(overlap[0], overlap[1]);
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const double width = random.uniform(kLeastSide, 1);
    const double height = random.uniform(kLeastSide, 1);
    const double x = random.uniform(0, 1 - width);
    const double y = random.uniform(0, 1 - height);
    if (width > 2 * height || height > 2 * width) continue;
    if (x > 0.5 || x + width < 0.5 || y > 0.5 || y + height < 0.5) continue;
    const auto shared = [side](double begin, double length) {
      return std::min(begin + length, (1 + side) / 2) - std::max(begin, (1 - side) / 2);
    };
    const double both = shared(x, width) * shared(y, height);
    if (both < limit * (width * height + side * side - both)) continue;
    Box box;
    box.width = std::max(1, static_cast<int>(std::lround(width * photo.width)));
    box.height = std::max(1, static_cast<int>(std::lround(height * photo.height)));
    box.x = std::min(static_cast<int>(x * photo.width), photo.width - box.width);
    box.y = std::min(static_cast<int>(y * photo.height), photo.height - box.height);
    return box;
  }
  return {0, 0, photo.width, photo.height};
}

image::Image padded_window(const image::Image& photo, int pad, Rng& random) {
  const auto places = static_cast<uint64_t>(2 * pad + 1);
  const int left = static_cast<int>(random.below(places)) - pad;  // of the window, in the photo
  const int top = static_cast<int>(random.below(places)) - pad;
  image::Image window{photo.width, photo.height, std::vector<uint8_t>(photo.pixels.size(), 0)};
  const int first = std::max(0, -left);
  const int last = std::min(photo.width, photo.width - left);
  for (int y = std::max(0, -top); first < last && y < std::min(photo.height, photo.height - top);
       ++y) {
    const auto at = [&](int row, int column) {
      return (static_cast<std::ptrdiff_t>(row) * photo.width + column) * 3;
    };
    std::copy_n(photo.pixels.begin() + at(y + top, first + left), (last - first) * 3,
                window.pixels.begin() + at(y, first));
  }
  return window;
}

}  // namespace cairn::data
