#include <algorithm>
#include <cmath>
#include <map>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/dataset/photos.h"

namespace cairn::dataset {

Split stratified_split(const std::vector<int64_t>& landmarks, double validation_fraction,
                       uint64_t seed) {
  if (!(validation_fraction >= 0 && validation_fraction < 1)) {
    throw Error("validation fraction " + std::to_string(validation_fraction) +
                ": give a number from 0 to below 1");
  }
  std::map<int64_t, std::vector<size_t>> positions;
  for (size_t i = 0; i < landmarks.size(); ++i) positions[landmarks[i]].push_back(i);

  Split split;
  for (auto& [landmark, members] : positions) {
    size_t validation = 0;
    if (members.size() > 1 && validation_fraction > 0) {
      const double share = std::round(validation_fraction * static_cast<double>(members.size()));
      validation = std::clamp<size_t>(static_cast<size_t>(share), 1, members.size() - 1);
      // A stream per landmark: what other landmarks there are does not change its part.
      Rng rng = Rng::for_stream(seed, static_cast<uint64_t>(landmark));
      rng.shuffle(members);
    }
    const auto middle = members.begin() + static_cast<ptrdiff_t>(validation);
    split.validation.insert(split.validation.end(), members.begin(), middle);
    split.train.insert(split.train.end(), middle, members.end());
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

}  // namespace cairn::dataset
