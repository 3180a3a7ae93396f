#include "cairn_train/data/augment.h"

#include <algorithm>
#include <cmath>

namespace cairn::data {
namespace {

struct Box {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

// A box of a random share of the photo's area and a random change of its shape. Where the shape
// does not fit at that area, the box is cut to the photo.
Box random_box(const image::Image& photo, const AugmentOptions& options, Rng& random) {
  const double share = random.uniform(options.scale[0], options.scale[1]);
  const double shape =
      std::exp(random.uniform(std::log(options.ratio[0]), std::log(options.ratio[1])));
  const double width = std::min(1.0, std::sqrt(share * shape));
  const double height = std::min(1.0, std::sqrt(share / shape));
  Box box;
  box.width = std::max(1, static_cast<int>(std::lround(width * photo.width)));
  box.height = std::max(1, static_cast<int>(std::lround(height * photo.height)));
  box.x = static_cast<int>(random.below(static_cast<uint64_t>(photo.width - box.width + 1)));
  box.y = static_cast<int>(random.below(static_cast<uint64_t>(photo.height - box.height + 1)));
  return box;
}

image::Image crop(const image::Image& photo, const Box& box) {
  image::Image part;
  part.width = box.width;
  part.height = box.height;
  part.pixels.resize(static_cast<size_t>(box.width) * box.height * 3);
  const size_t row = static_cast<size_t>(box.width) * 3;
  for (int y = 0; y < box.height; ++y) {
    const size_t from = (static_cast<size_t>(box.y + y) * photo.width + box.x) * 3;
    std::copy_n(photo.pixels.begin() + static_cast<std::ptrdiff_t>(from), row,
                part.pixels.begin() + static_cast<std::ptrdiff_t>(row * y));
  }
  return part;
}

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
    return image::resize_bilinear(crop(photo, random_box(photo, options.augment, random)), size,
                                  size);
  const int side = std::max(options.resize, size);
  if (options.crop == Crop::kNone || side == size) return image::resize_bilinear(photo, size, size);
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

// One square of zeros.
void drop_square(const ViewOptions& options, Rng& random, float* out) {
  const AugmentOptions& augment = options.augment;
  if (!random.chance(augment.dropout)) return;
  const double share = random.uniform(augment.dropout_side[0], augment.dropout_side[1]);
  const int side = std::clamp(static_cast<int>(std::lround(share * options.size)), 1, options.size);
  const auto places = static_cast<uint64_t>(options.size - side + 1);
  const auto left = static_cast<size_t>(random.below(places));
  const auto top = static_cast<size_t>(random.below(places));
  const auto size = static_cast<size_t>(options.size);
  for (size_t c = 0; c < 3; ++c)
    for (size_t y = top; y < top + static_cast<size_t>(side); ++y)
      std::fill_n(out + (c * size + y) * size + left, side, 0.0F);
}

}  // namespace

void random_view(const image::Image& photo, const ViewOptions& options,
                 const image::Normalisation& normalisation, Rng& random, float* out) {
  const image::Image view = random_crop(photo, options, random);
  const bool mirrored = options.flip && random.chance(options.augment.flip);
  const Colour colour = options.colour ? random_colour(view, options.augment, random) : Colour();
  write_planes(view, mirrored, colour, normalisation, out);
  if (options.dropout) drop_square(options, random, out);
}

void plain_view(const image::Image& photo, int size, const image::Normalisation& normalisation,
                float* out) {
  image::to_chw(image::resize_bilinear(photo, size, size), normalisation, out);
}

}  // namespace cairn::data
