#include "cairn/detect/letterbox.h"

#include <algorithm>
#include <cmath>

namespace cairn::detect {

Letterbox letterbox(int photo_height, int photo_width, int size, bool tight) {
  constexpr int kStride = 32;
  Letterbox box;
  box.ratio =
      std::min(static_cast<double>(size) / photo_height, static_cast<double>(size) / photo_width);
  // Halves go to the even neighbour, as in the reference.
  box.inner_width = static_cast<int>(std::nearbyint(photo_width * box.ratio));
  box.inner_height = static_cast<int>(std::nearbyint(photo_height * box.ratio));
  int grey_width = size - box.inner_width;
  int grey_height = size - box.inner_height;
  if (tight) {
    grey_width %= kStride;
    grey_height %= kStride;
  }
  box.left = static_cast<int>(std::nearbyint(grey_width / 2.0 - 0.1));
  box.right = static_cast<int>(std::nearbyint(grey_width / 2.0 + 0.1));
  box.top = static_cast<int>(std::nearbyint(grey_height / 2.0 - 0.1));
  box.bottom = static_cast<int>(std::nearbyint(grey_height / 2.0 + 0.1));
  box.width = box.inner_width + box.left + box.right;
  box.height = box.inner_height + box.top + box.bottom;
  return box;
}

void letterbox_input(const image::Image& photo, const Letterbox& box, float* out) {
  constexpr float kGrey = 114.0F / 255;
  const image::Image inner = image::resize_bilinear(photo, box.inner_width, box.inner_height);
  const size_t plane = static_cast<size_t>(box.width) * box.height;
  std::fill_n(out, 3 * plane, kGrey);
  for (int y = 0; y < box.inner_height; ++y) {
    for (int x = 0; x < box.inner_width; ++x) {
      const uint8_t* pixel = &inner.pixels[(static_cast<size_t>(y) * box.inner_width + x) * 3];
      const size_t at = static_cast<size_t>(y + box.top) * box.width + x + box.left;
      for (size_t c = 0; c < 3; ++c) out[c * plane + at] = static_cast<float>(pixel[c]) / 255;
    }
  }
}

}  // namespace cairn::detect
