// Random patch (Zhou et al. 2019, OSNet): a piece of another photo stands in front.
#pragma once

#include <array>

#include "cairn/base/random.h"
#include "cairn/image/image.h"

namespace cairn::data {

struct PatchOptions {
  double chance = 0.5;
  std::array<double, 2> area = {0.01, 0.16};  // share of the view that is covered
  double least_ratio = 0.1;                   // height over width, up to its inverse; uniform
};

// Pastes a box of `other` into the photo at a random place; every second patch is mirrored, and
// every second turned by up to 10 degrees. (The references keep a pool of patches of earlier
// photos; here the patch is of another photo of the epoch, so that a view depends on its place
// alone.)
void paste_patch(image::Image& photo, const image::Image& other, const PatchOptions& options,
                 Rng& random);

}  // namespace cairn::data
