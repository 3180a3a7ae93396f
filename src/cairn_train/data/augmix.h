// AugMix (Hendrycks et al. 2020): the photo mixed with several chains of simple changes of itself.
#pragma once

#include "cairn/base/random.h"
#include "cairn/image/image.h"

namespace cairn::data {

// The paper's numbers. The wz reference takes severity 1, depth 1, alpha 0.1.
struct AugMixOptions {
  double severity = 3;  // 0 to 10; 0: no change
  int depth = 0;        // changes in a chain; 0: one to three
  double alpha = 1;     // of the Dirichlet and Beta distributions that weigh chains and photo
};

// Three chains out of: automatic contrast, equalised histogram, fewer levels, turned, solarised,
// sheared and shifted both ways.
image::Image aug_mix(const image::Image& photo, const AugMixOptions& options, Rng& random);

}  // namespace cairn::data
