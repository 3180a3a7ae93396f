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

Split stratified_fold(const std::vector<int64_t>& landmarks, int folds, int fold, uint64_t seed) {
  if (folds < 2 || fold < 0 || fold >= folds)
    throw Error("fold " + std::to_string(fold) + " of " + std::to_string(folds) +
                ": give at least 2 folds, and a fold from 0 to the one before their number");
  std::map<int64_t, std::vector<size_t>> positions;
  for (size_t i = 0; i < landmarks.size(); ++i) positions[landmarks[i]].push_back(i);
  Split split;
  for (auto& [landmark, members] : positions) {
    Rng rng = Rng::for_stream(seed, static_cast<uint64_t>(landmark));
    rng.shuffle(members);
    // Landmarks begin at different parts, so that small ones do not all fill the first.
    const uint64_t first = rng.below(static_cast<uint64_t>(folds));
    for (size_t j = 0; j < members.size(); ++j) {
      const bool chosen = (first + j) % static_cast<uint64_t>(folds) == static_cast<uint64_t>(fold);
      (chosen && members.size() > 1 ? split.validation : split.train).push_back(members[j]);
    }
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

namespace {

// Shares `total` out in proportion to the counts: floors first, the rest by largest remainders.
std::map<int64_t, int64_t> share_out(const std::map<int64_t, int64_t>& counts, int64_t total) {
  int64_t all = 0;
  for (const auto& [landmark, count] : counts) all += count;
  std::map<int64_t, int64_t> shares;
  std::vector<std::pair<double, int64_t>> remainders;  // negative, so that the largest come first
  int64_t given = 0;
  for (const auto& [landmark, count] : counts) {
    const double exact =
        static_cast<double>(count) * static_cast<double>(total) / static_cast<double>(all);
    shares[landmark] = static_cast<int64_t>(std::floor(exact));
    given += shares[landmark];
    remainders.emplace_back(std::floor(exact) - exact, landmark);
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; given < total; ++i, ++given) ++shares[remainders[i].second];
  return shares;
}

}  // namespace

std::map<int64_t, SplitCounts> reference_split_counts(const std::map<int64_t, int64_t>& counts,
                                                      double validation_fraction) {
  int64_t all = 0;
  for (const auto& [landmark, count] : counts) all += count;
  const auto validation =
      static_cast<int64_t>(std::ceil(validation_fraction * static_cast<double>(all)));
  const std::map<int64_t, int64_t> train = share_out(counts, all - validation);
  std::map<int64_t, int64_t> left = counts;
  for (auto& [landmark, count] : left) count -= train.at(landmark);
  std::map<int64_t, SplitCounts> split;
  for (const auto& [landmark, share] : share_out(left, validation))
    split[landmark] = {train.at(landmark), share};
  return split;
}

}  // namespace cairn::dataset
