// Changes of colour beyond brightness, contrast and saturation.
#pragma once

#include "cairn/base/random.h"
#include "cairn/image/image.h"

namespace cairn::data {

// Turns every pixel's hue by so many degrees; greys stay.
void turn_hue(image::Image& photo, double degrees);

// The colours as detectors are trained with (Liu et al. 2016, SSD), each step in every second photo
// and its limits times strength: brightness by up to 32 levels, contrast and saturation by up to a
// half, hue by up to 18 degrees, and (from strength 1 on) the channels exchanged. Contrast comes
// before or after the hue. strength 0 changes nothing.
void distort_colours(image::Image& photo, double strength, Rng& random);

}  // namespace cairn::data
