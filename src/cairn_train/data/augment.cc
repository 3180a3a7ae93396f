#include "cairn_train/data/augment.h"

#include <algorithm>
#include <cmath>

#include "cairn_train/data/colour.h"
#include "cairn_train/data/crops.h"

namespace cairn::data {
namespace {

// Changes of colour as one affine map: out = gain · (grey + saturation · (pixel − grey)) + offset.
struct Colour {
  float gain = 1;
  float offset = 0;
  float saturation = 1;
};

float mean_level(const image::Image& photo) {
  uint64_t sum = 0;
  for (const uint8_t level : photo.pixels) sum += level;
  return static_cast<float>(static_cast<double>(sum) / static_cast<double>(photo.pixels.size()));
}

Colour random_colour(const image::Image& photo, const AugmentOptions& options, Rng& random) {
  const double brightness = 1 + random.uniform(-options.brightness, options.brightness);
  const double contrast = 1 + random.uniform(-options.contrast, options.contrast);
  Colour colour;
  colour.saturation =
      static_cast<float>(1 + random.uniform(-options.saturation, options.saturation));
  colour.gain = static_cast<float>(brightness * contrast);
  colour.offset = static_cast<float>(brightness * (1 - contrast)) * mean_level(photo);
  return colour;
}

image::Image random_crop(const image::Image& photo, const ViewOptions& options, Rng& random) {
  const int size = options.size;
  if (options.crop == Crop::kResized)
    return image::resize_bilinear(
        crop(photo, random_box(photo, options.augment.scale, options.augment.ratio, random)), size,
        size);
  if (options.crop == Crop::kDetection && random.chance(options.augment.detection_crop))
    return image::resize_bilinear(
        crop(photo, detection_box(photo, options.augment.detection_overlap, random)), size, size);
  if (options.crop == Crop::kPadded)
    return padded_window(image::resize_bilinear(photo, size, size), options.augment.pad, random);
  const int side = std::max(options.resize, size);
  if (options.crop != Crop::kWindow || side == size)
    return image::resize_bilinear(photo, size, size);
  Box window{0, 0, size, size};
  const auto places = static_cast<uint64_t>(side - size + 1);
  window.x = static_cast<int>(random.below(places));
  window.y = static_cast<int>(random.below(places));
  return crop(image::resize_bilinear(photo, side, side), window);
}

void write_planes(const image::Image& view, bool mirrored, const Colour& colour,
                  const image::Normalisation& normalisation, float* out) {
  const int size = view.width;
  std::array<float, 3> inverse{};
  for (size_t c = 0; c < 3; ++c) inverse[c] = 1.0F / normalisation.std[c];
  const size_t plane = static_cast<size_t>(size) * size;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const int from = mirrored ? size - 1 - x : x;
      const uint8_t* pixel = &view.pixels[(static_cast<size_t>(y) * size + from) * 3];
      const float grey = 0.299F * pixel[0] + 0.587F * pixel[1] + 0.114F * pixel[2];
      float* target = out + static_cast<size_t>(y) * size + x;
      for (size_t c = 0; c < 3; ++c) {
        const float vivid = grey + colour.saturation * (pixel[c] - grey);
        const float level = std::clamp(colour.gain * vivid + colour.offset, 0.0F, 255.0F);
        target[c * plane] = (level - normalisation.mean[c]) * inverse[c];
      }
    }
  }
}

// A box of zeros.
void blank(const ErasedBox& box, int side, float* out) {
  const auto size = static_cast<size_t>(side);
  const auto top = static_cast<size_t>(box.row);
  for (size_t c = 0; c < 3; ++c)
    for (size_t y = top; y < top + static_cast<size_t>(box.height); ++y)
      std::fill_n(out + (c * size + y) * size + box.column, box.width, 0.0F);
}

void drop_square(const ViewOptions& options, Rng& random, float* out) {
  const AugmentOptions& augment = options.augment;
  if (!random.chance(augment.dropout)) return;
  const double share = random.uniform(augment.dropout_side[0], augment.dropout_side[1]);
  const int side = std::clamp(static_cast<int>(std::lround(share * options.size)), 1, options.size);
  const auto places = static_cast<uint64_t>(options.size - side + 1);
  const auto left = static_cast<int>(random.below(places));
  const auto top = static_cast<int>(random.below(places));
  blank({top, left, side, side}, options.size, out);
}

void erase_box(const ViewOptions& options, Rng& random, float* out) {
  if (!random.chance(options.augment.erasing_chance)) return;
  const auto box = random_erased_box(options.size, options.size, options.augment.erasing, random);
  if (box) blank(*box, options.size, out);
}

// What is on is drawn for; nothing else, so that a transform more or less leaves old runs alone.
void distort(const ViewOptions& options, Rng& random, const OtherPhoto& other, image::Image& view) {
  const AugmentOptions& augment = options.augment;
  if (options.perspective && random.chance(augment.perspective))
    view = random_perspective(view, augment.perspective_share, random);
  if (options.affine && random.chance(augment.affine.chance))
    view = random_affine(view, augment.affine, random);
  if (options.detection_colour && random.chance(augment.detection_colour))
    distort_colours(view, augment.detection_strength, random);
  if (options.augmix && random.chance(augment.augmix_chance))
    view = aug_mix(view, augment.augmix, random);
  if (options.patch && random.chance(augment.patch.chance) && other) {
    const auto donor = other(random);
    if (donor) paste_patch(view, *donor, augment.patch, random);
  }
}

}  // namespace

void random_view(const image::Image& photo, const ViewOptions& options,
                 const image::Normalisation& normalisation, Rng& random, float* out,
                 const OtherPhoto& other) {
  image::Image view = random_crop(photo, options, random);
  distort(options, random, other, view);
  const bool mirrored = options.flip && random.chance(options.augment.flip);
  if (options.colour && options.augment.hue > 0)
    turn_hue(view, random.uniform(-options.augment.hue, options.augment.hue));
  const Colour colour = options.colour ? random_colour(view, options.augment, random) : Colour();
  write_planes(view, mirrored, colour, normalisation, out);
  if (options.erasing) erase_box(options, random, out);
  if (options.dropout) drop_square(options, random, out);
}

void plain_view(const image::Image& photo, int size, const image::Normalisation& normalisation,
                float* out) {
  image::resize_to_chw(photo, size, size, normalisation, out);
}

}  // namespace cairn::data
