// Vectors of length 1. Internal to the rank room.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace cairn::rank {

// row = values divided by their length; zeros stay.
inline void store_unit(std::span<const double> values, float* row) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  const double factor = squares > 0 ? 1 / std::sqrt(squares) : 0;
  std::transform(values.begin(), values.end(), row,
                 [factor](double value) { return static_cast<float>(value * factor); });
}

}  // namespace cairn::rank
