#include "cairn_train/data/random_erasing.h"

#include <cmath>

namespace cairn::data {

std::optional<ErasedBox> erased_box(int height, int width, const ErasingDraws& draws,
                                    int* attempts) {
  constexpr int kMostAttempts = 100;
  for (int attempt = 1; attempt <= kMostAttempts; ++attempt) {
    if (attempts != nullptr) *attempts = attempt;
    const double area = draws.area() * height * width;
    const double aspect = draws.aspect();
    ErasedBox box;
    // Halves go to the even neighbour.
    box.height = static_cast<int>(std::nearbyint(std::sqrt(area * aspect)));
    box.width = static_cast<int>(std::nearbyint(std::sqrt(area / aspect)));
    if (box.width >= width || box.height >= height) continue;
    box.row = draws.row(height - box.height);
    box.column = draws.column(width - box.width);
    return box;
  }
  return std::nullopt;
}

std::optional<ErasedBox> random_erased_box(int height, int width, const ErasingOptions& options,
                                           Rng& random) {
  const auto position = [&](int last) {
    return static_cast<int>(random.below(static_cast<uint64_t>(last) + 1));
  };
  return erased_box(height, width,
                    {[&] { return random.uniform(options.area[0], options.area[1]); },
                     [&] { return random.uniform(options.least_ratio, 1 / options.least_ratio); },
                     position, position});
}

}  // namespace cairn::data
