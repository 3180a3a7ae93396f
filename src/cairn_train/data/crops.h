// Where views are cut out of photos.
#pragma once

#include <array>

#include "cairn/base/random.h"
#include "cairn/image/image.h"

namespace cairn::data {

struct Box {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

image::Image crop(const image::Image& photo, const Box& box);

// A box of a random share of the photo's area and a random change of its shape (Inception style).
// Where the shape does not fit at that area, the box is cut to the photo.
Box random_box(const image::Image& photo, const std::array<double, 2>& share,
               const std::array<double, 2>& shape, Rng& random);

// A box as detectors are trained with (Liu et al. 2016, SSD): sides of 0.3 to 1 of the photo's, at
// most twice as wide or high, relative to the photo, and an overlap (intersection over union) with
// the object that reaches a limit drawn from `overlap`. The object is taken to be the middle half
// of the photo's area, as landmarks are photographed; its middle stays in the box. The whole photo
// where 50 boxes fail.
Box detection_box(const image::Image& photo, const std::array<double, 2>& overlap, Rng& random);

// The photo with `pad` black pixels on all sides, and a random window of its own size out of that.
image::Image padded_window(const image::Image& photo, int pad, Rng& random);

}  // namespace cairn::data
