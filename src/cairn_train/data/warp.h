// Photos turned, shifted, scaled, sheared, and seen from aside. What comes from outside is grey
// (128).
#pragma once

#include <array>

#include "cairn/base/random.h"
#include "cairn/image/image.h"

namespace cairn::data {

// About the photo's middle: first shear, then zoom and turn, then shift.
struct AffineMotion {
  double degrees = 0;  // against the clock
  double zoom = 1;
  double shear_x = 0;  // columns a row
  double shear_y = 0;
  double shift_x = 0;  // pixels
  double shift_y = 0;
};
image::Image move(const image::Image& photo, const AffineMotion& motion);

struct AffineOptions {
  double chance = 1;
  double degrees = 0;                       // largest turn to either side
  double shift = 0;                         // largest, as a share of the sides
  std::array<double, 2> zoom = {0.9, 1.1};  // the wz reference's
  double shear = 0;                         // largest angle in degrees
};
image::Image random_affine(const image::Image& photo, const AffineOptions& options, Rng& random);

// Every corner moves inwards by a random part of share / 2 of each side, as in torchvision's
// RandomPerspective.
image::Image random_perspective(const image::Image& photo, double share, Rng& random);

}  // namespace cairn::data
