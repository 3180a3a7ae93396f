// From a decoded photo to network input, with random views for training.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "cairn/base/random.h"
#include "cairn/image/image.h"
#include "cairn_train/data/augmix.h"
#include "cairn_train/data/random_erasing.h"
#include "cairn_train/data/random_patch.h"
#include "cairn_train/data/warp.h"

namespace cairn::data {

struct AugmentOptions {
  std::array<double, 2> scale = {0.35, 1.0};     // share of the photo's area that a crop keeps
  std::array<double, 2> ratio = {0.75, 1.3333};  // width over height of the crop, relative to the
                                                 // photo's own: (1, 1) keeps its shape
  double flip = 0.5;                             // chance of a mirrored photo
  double brightness = 0.2;                       // largest relative changes
  double contrast = 0.2;
  double saturation = 0.2;
  double dropout = 0.5;                                  // chance of one blank square
  std::array<double, 2> dropout_side = {0.25, 0.5};      // its side, as a share of the view's
  int pad = 10;                                          // black pixels around before a pad_crop
  double detection_crop = 0.85;                          // chance of one, else the whole photo
  std::array<double, 2> detection_overlap = {0.1, 0.7};  // detection_box()
  double hue = 0;                                        // largest turn in degrees
  double detection_colour = 0.5;                         // chance
  double detection_strength = 1;                         // distort_colours()
  AffineOptions affine;
  double perspective = 0.5;        // chance
  double perspective_share = 0.3;  // random_perspective()
  double augmix_chance = 0.5;
  AugMixOptions augmix;
  PatchOptions patch;
  double erasing_chance = 1;
  ErasingOptions erasing;
};

enum class Crop {
  kNone,       // the whole photo, squeezed to the view
  kWindow,     // a window of the view's size out of the photo squeezed to `resize`
  kResized,    // a random box (Inception style), squeezed to the view
  kPadded,     // the photo squeezed to the view, shifted by up to AugmentOptions::pad pixels
  kDetection,  // detection_box(), squeezed to the view
};

// One way to look at photos.
struct ViewOptions {
  int size = 128;  // side of the view
  int resize = 0;  // side that the whole photo is squeezed to before a window is cut; 0: size
  Crop crop = Crop::kResized;
  bool flip = true;
  bool colour = true;
  bool dropout = false;
  bool perspective = false;
  bool affine = false;
  bool detection_colour = false;
  bool augmix = false;
  bool patch = false;
  bool erasing = false;
  AugmentOptions augment;
};

// Another photo for a patch, or null where the drawn one cannot be read.
using OtherPhoto = std::function<std::shared_ptr<const image::Image>(Rng&)>;

// A random view: crop, perspective, affine, detection colours, AugMix, patch, mirror, colour,
// erasing, dropout, in this order; squeezed as inference squeezes whole photos. Writes planes R, G,
// B of size × size to out; what is erased or dropped is 0, the mean colour. What is drawn depends
// on the generator alone. Without `other` no patch is pasted.
void random_view(const image::Image& photo, const ViewOptions& options,
                 const image::Normalisation& normalisation, Rng& random, float* out,
                 const OtherPhoto& other = nullptr);

// What inference sees: the whole photo, squeezed to size × size.
void plain_view(const image::Image& photo, int size, const image::Normalisation& normalisation,
                float* out);

}  // namespace cairn::data
