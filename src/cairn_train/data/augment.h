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
  double dropout = 0.5;                              // chance of one blank square
  std::array<double, 2> dropout_side = {0.25, 0.5};  // its side, as a share of the view's
};

enum class Crop {
  kNone,    // the whole photo, squeezed to the view
  kWindow,  // a window of the view's size out of the photo squeezed to `resize`
  kResized  // a random box (Inception style), squeezed to the view
};

// One way to look at photos.
struct ViewOptions {
  int size = 128;  // side of the view
  int resize = 0;  // side that the whole photo is squeezed to before a window is cut; 0: size
  Crop crop = Crop::kResized;
  bool flip = true;
  bool colour = true;
  bool dropout = false;
  AugmentOptions augment;
};

// A random view: crop, mirror, colour, dropout, in this order; squeezed as inference squeezes whole
// photos. Writes planes R, G, B of size × size to out; a dropped square is 0, the mean colour. What
// is drawn depends on the generator alone.
void random_view(const image::Image& photo, const ViewOptions& options,
                 const image::Normalisation& normalisation, Rng& random, float* out);

// What inference sees: the whole photo, squeezed to size × size.
void plain_view(const image::Image& photo, int size, const image::Normalisation& normalisation,
                float* out);

}  // namespace cairn::data
