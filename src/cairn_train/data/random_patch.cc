#include "cairn_train/data/random_patch.h"

#include <algorithm>

#include "cairn_train/data/crops.h"
#include "cairn_train/data/random_erasing.h"
#include "cairn_train/data/warp.h"

namespace cairn::data {
namespace {

void mirror(image::Image& photo) {
  for (int y = 0; y < photo.height; ++y) {
    uint8_t* row = &photo.pixels[static_cast<size_t>(y) * photo.width * 3];
    for (int x = 0; x < photo.width / 2; ++x)
      std::swap_ranges(row + static_cast<size_t>(x) * 3, row + static_cast<size_t>(x) * 3 + 3,
                       row + static_cast<size_t>(photo.width - 1 - x) * 3);
  }
}

}  // namespace

void paste_patch(image::Image& photo, const image::Image& other, const PatchOptions& options,
                 Rng& random) {
  constexpr double kMostDegrees = 10;
  const ErasingOptions shape{options.area, options.least_ratio};
  const auto from = random_erased_box(photo.height, photo.width, shape, random);
  if (!from) return;
  image::Image patch = crop(image::resize_bilinear(other, photo.width, photo.height),
                            {from->column, from->row, from->width, from->height});
  if (random.chance(0.5)) mirror(patch);
  if (random.chance(0.5))
    patch = move(patch, {.degrees = random.uniform(-kMostDegrees, kMostDegrees)});
  const auto left = random.below(static_cast<uint64_t>(photo.width - patch.width + 1));
  const auto top = random.below(static_cast<uint64_t>(photo.height - patch.height + 1));
  const size_t row = static_cast<size_t>(patch.width) * 3;
  for (size_t y = 0; y < static_cast<size_t>(patch.height); ++y)
    std::copy_n(&patch.pixels[y * row], row,
                &photo.pixels[((top + y) * static_cast<size_t>(photo.width) + left) * 3]);
}

}  // namespace cairn::data
