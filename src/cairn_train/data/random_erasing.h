// Random erasing (Zhong et al. 2020) as the wz reference draws it.
#pragma once

#include <functional>
#include <optional>

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

}  // namespace cairn::data
