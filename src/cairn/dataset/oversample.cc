#include "cairn/dataset/oversample.h"

#include <algorithm>
#include <map>

#include "cairn/base/error.h"
#include "cairn/base/random.h"

namespace cairn::dataset {
namespace {

using Members = std::map<int64_t, std::vector<size_t>>;

size_t target_of(const Members& members, const OversampleOptions& options) {
  if (options.to == "value") return static_cast<size_t>(options.value);
  if (options.to == "landmark") {
    const auto found = members.find(options.landmark);
    if (found == members.end())
      throw Error("oversampling to landmark " + std::to_string(options.landmark) +
                  ": it has no photo to train on");
    return found->second.size();
  }
  size_t largest = 0;
  for (const auto& [landmark, photos] : members) largest = std::max(largest, photos.size());
  return largest;
}

}  // namespace

std::vector<size_t> oversample(const std::vector<int64_t>& landmarks,
                               const OversampleOptions& options, uint64_t seed) {
  Members members;
  for (size_t i = 0; i < landmarks.size(); ++i) members[landmarks[i]].push_back(i);
  std::vector<size_t> chosen;
  if (options.to == "none") {
    for (size_t i = 0; i < landmarks.size(); ++i) chosen.push_back(i);
    return chosen;
  }
  const size_t target = target_of(members, options);
  for (auto& [landmark, photos] : members) {
    const bool large = photos.size() > target && !options.downsample;
    const size_t wanted = large ? photos.size() : target;
    Rng::for_stream(seed, fnv1a("oversample"), static_cast<uint64_t>(landmark)).shuffle(photos);
    for (size_t i = 0; i < wanted; ++i) chosen.push_back(photos[i % photos.size()]);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace cairn::dataset
