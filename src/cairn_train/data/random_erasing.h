// Random erasing (Zhong et al. 2020) as the wz reference draws it.
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "cairn/base/random.h"

namespace cairn::data {

struct ErasedBox {
  int row = 0;
  int column = 0;
  int height = 0;
  int width = 0;
};

// Where the numbers come from: the share of the area, height over width, and positions from 0 to
// the argument.
struct ErasingDraws {
  std::function<double()> area;
  std::function<double()> aspect;
  std::function<int(int)> row;
  std::function<int(int)> column;
};

// The first of at most 100 boxes that is smaller than the photo in both directions; none where all
// are too large. attempts: how many were drawn.
std::optional<ErasedBox> erased_box(int height, int width, const ErasingDraws& draws,
                                    int* attempts = nullptr);

struct ErasingOptions {
  std::array<double, 2> area = {0.02, 0.2};  // share of the photo
  double least_ratio = 0.3;                  // height over width, up to its inverse; uniform
};

// The same with numbers of a generator.
std::optional<ErasedBox> random_erased_box(int height, int width, const ErasingOptions& options,
                                           Rng& random);

}  // namespace cairn::data
