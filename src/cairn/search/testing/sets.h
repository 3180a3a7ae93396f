// Sets of rows for tests of searching.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/search/exact_search.h"

namespace cairn::search::testing {

struct Set {
  std::vector<float> values;
  std::vector<std::string> ids;
  size_t dim = 0;

  Rows rows() const { return {values, ids, dim}; }
};

inline Set random_set(const std::string& prefix, size_t count, size_t dim, uint64_t seed) {
  Rng rng(seed);
  Set set{{}, {}, dim};
  for (size_t i = 0; i < count; ++i) {
    std::vector<double> row(dim);
    double squares = 0;
    for (double& value : row) {
      value = rng.normal();
      squares += value * value;
    }
    for (const double value : row) {
      set.values.push_back(static_cast<float>(value / std::sqrt(squares)));
    }
    set.ids.push_back(prefix + std::to_string(rng.below(1000)) + "-" + std::to_string(i));
  }
  return set;
}

// Rows around common centres, so that many are nearly as similar; some are copies of others, some
// longer, one is zero.
inline Set clustered_set(const std::string& prefix, size_t count, size_t dim, uint64_t seed) {
  Rng centres(99);
  std::vector<float> centre(7 * dim);
  for (float& value : centre) value = static_cast<float>(centres.normal());
  Rng rng(seed);
  Set set{{}, {}, dim};
  for (size_t i = 0; i < count; ++i) {
    const size_t from = set.values.size();
    const bool copy = i > 0 && rng.chance(0.05);
    const double length = rng.chance(0.02) ? 3 : 1;
    const float* around = &centre[rng.below(7) * dim];
    double squares = 0;
    for (size_t d = 0; d < dim; ++d) {
      set.values.push_back(copy ? set.values[from - dim + d]
                                : static_cast<float>(around[d] + 0.3 * rng.normal()));
      squares += static_cast<double>(set.values.back()) * set.values.back();
    }
    for (size_t d = 0; d < dim && !copy; ++d)
      set.values[from + d] *= static_cast<float>(i == 5 ? 0 : length / std::sqrt(squares));
    set.ids.push_back(prefix + std::to_string(rng.below(1000)) + "-" + std::to_string(i));
  }
  return set;
}

}  // namespace cairn::search::testing
