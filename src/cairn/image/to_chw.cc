#include <array>

#include "cairn/image/image.h"
#include "cairn/image/resize_rows.h"

namespace cairn::image {

void to_chw(const Image& image, const Normalisation& normalisation, float* out) {
  // A table per channel: every value of a pixel is divided once.
  std::array<std::array<float, 256>, 3> tables;
  for (size_t c = 0; c < 3; ++c) {
    for (size_t value = 0; value < 256; ++value) {
      tables[c][value] = (static_cast<float>(value) - normalisation.mean[c]) / normalisation.std[c];
    }
  }
  const size_t plane = static_cast<size_t>(image.width) * static_cast<size_t>(image.height);
  const uint8_t* pixel = image.pixels.data();
  float* red = out;
  float* green = out + plane;
  float* blue = out + 2 * plane;
  for (size_t i = 0; i < plane; ++i, pixel += 3) {
    red[i] = tables[0][pixel[0]];
    green[i] = tables[1][pixel[1]];
    blue[i] = tables[2][pixel[2]];
  }
}

void resize_to_chw(const Image& image, int width, int height, const Normalisation& normalisation,
                   float* out) {
  if (!RowResizer::can(image.width, image.height, width, height)) {
    return to_chw(resize_bilinear(image, width, height), normalisation, out);
  }
  RowResizer resizer(image.width, image.height, width, height, normalisation, out);
  const size_t stride = static_cast<size_t>(image.width) * 3;
  while (resizer.wanted() < image.height) {
    resizer.row(&image.pixels[static_cast<size_t>(resizer.wanted()) * stride]);
  }
}

}  // namespace cairn::image
