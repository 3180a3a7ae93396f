// From a decoded photo to network input, with random views for training.
#pragma once

#include <array>

#include "cairn/base/random.h"
#include "cairn/image/image.h"

namespace cairn::data {

struct AugmentOptions {
  std::array<double, 2> scale = {0.35, 1.0};     // share of the photo's area that a crop keeps
  std::array<double, 2> ratio = {0.75, 1.3333};  // width over height of the crop, relative to the
                                                 // photo's own: (1, 1) keeps its shape
  double flip = 0.5;                             // chance of a mirrored photo
  double brightness = 0.2;                       // largest relative changes
  double contrast = 0.2;
  double saturation = 0.2;
};

// A random crop (Inception style), squeezed to size × size as inference squeezes whole photos,
// mirrored and re-coloured at random. Writes planes R, G, B of size × size to out. What is drawn
// depends on the generator alone.
void random_view(const image::Image& photo, int size, const AugmentOptions& options,
                 const image::Normalisation& normalisation, Rng& random, float* out);

// What inference sees: the whole photo, squeezed to size × size.
void plain_view(const image::Image& photo, int size, const image::Normalisation& normalisation,
                float* out);

}  // namespace cairn::data
