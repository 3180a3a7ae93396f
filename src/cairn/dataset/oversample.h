// Repeats photos of small landmarks, so that an epoch shows each landmark often enough.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cairn::dataset {

struct OversampleOptions {
  // none; value: to `value` photos; largest: to the size of the largest landmark; landmark: to that
  // of `landmark`.
  std::string to = "none";
  int64_t value = 5;
  int64_t landmark = 0;
  bool downsample = false;  // draw only so many photos of larger landmarks
};

// landmarks[i] is that of photo i. Returns positions, ascending: every photo of a landmark with c
// photos floor(n/c) times, and n mod c of them, drawn by the seed, once more; n is the target, or c
// where that is more. Throws Error where the named landmark has no photo.
std::vector<size_t> oversample(const std::vector<int64_t>& landmarks,
                               const OversampleOptions& options, uint64_t seed);

}  // namespace cairn::dataset
