#include "cairn/rank/reciprocal_graph.h"

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"

namespace cairn::rank {

double to_half(double x) {
  constexpr int kDigits = 11;
  constexpr int kSmallest = -24;
  int exponent = 0;
  std::frexp(x, &exponent);
  const double step = std::ldexp(1.0, std::max(exponent - kDigits, kSmallest));
  return std::nearbyint(x / step) * step;
}

size_t half_of(size_t k) { return static_cast<size_t>(std::nearbyint(static_cast<double>(k) / 2)); }

void put_self_in(std::vector<uint32_t>& list, uint32_t self) {
  if (std::ranges::find(list, self) == list.end()) list.back() = self;
}

ReciprocalGraph::ReciprocalGraph(std::vector<std::vector<uint32_t>> nearest,
                                 const std::function<double(size_t, size_t)>& distance,
                                 const GraphOptions& options)
    : nearest_(std::move(nearest)),
      options_(options),
      weights_(nearest_.size()),
      holders_(nearest_.size()) {
  CAIRN_ASSERT(options.k1 >= 1 && options.k2 >= 1);
  const auto each = [&](const auto& body) {
    parallel_for(nearest_.size(), options_.threads, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) body(i);
    });
  };
  each([&](size_t i) { weights_[i] = describe(i, distance); });
  if (options_.k2 > 1) {
    const std::vector<std::vector<Weight>> own = std::move(weights_);
    weights_.assign(nearest_.size(), {});
    each([&](size_t i) { weights_[i] = average(i, own); });
  }
  for (uint32_t i = 0; i < nearest_.size(); ++i)
    for (const Weight& weight : weights_[i]) holders_[weight.photo].push_back({i, weight.value});
}

std::vector<uint32_t> ReciprocalGraph::mutual(size_t i, size_t k) const {
  const auto first = [k](const std::vector<uint32_t>& list) {
    return std::span(list).first(std::min(k + 1, list.size()));
  };
  std::vector<uint32_t> found;
  for (const uint32_t j : first(nearest_[i])) {
    const auto its = first(nearest_[j]);
    if (std::find(its.begin(), its.end(), i) != its.end()) found.push_back(j);
  }
  return found;
}

std::vector<Weight> ReciprocalGraph::describe(
    size_t i, const std::function<double(size_t, size_t)>& distance) const {
  const size_t half = half_of(options_.k1);
  const std::vector<uint32_t> core = mutual(i, options_.k1);
  std::vector<uint32_t> members = core;
  for (const uint32_t j : core) {
    const std::vector<uint32_t> its = mutual(j, half);
    const auto shared = std::count_if(its.begin(), its.end(), [&](uint32_t photo) {
      return std::find(core.begin(), core.end(), photo) != core.end();
    });
    if (3 * static_cast<size_t>(shared) > 2 * its.size())
      members.insert(members.end(), its.begin(), its.end());
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  std::vector<double> values;
  double sum = 0;
  for (const uint32_t j : members) {
    values.push_back(std::exp(-distance(i, j)));
    sum += values.back();
  }
  std::vector<Weight> weights;
  for (size_t m = 0; m < members.size(); ++m) {
    const double value = values[m] / sum;
    weights.push_back({members[m], static_cast<float>(options_.half ? to_half(value) : value)});
  }
  return weights;
}

std::vector<Weight> ReciprocalGraph::average(
    size_t i, const std::vector<std::vector<Weight>>& weights) const {
  const size_t count = std::min(options_.k2, nearest_[i].size());
  std::vector<Weight> all;
  for (size_t n = 0; n < count; ++n) {
    const auto& its = weights[nearest_[i][n]];
    all.insert(all.end(), its.begin(), its.end());
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Weight& a, const Weight& b) { return a.photo < b.photo; });
  std::vector<Weight> mean;
  for (size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    double sum = 0;
    for (end = begin; end < all.size() && all[end].photo == all[begin].photo; ++end)
      sum += all[end].value;
    const double value = sum / static_cast<double>(count);
    mean.push_back({all[begin].photo, static_cast<float>(options_.half ? to_half(value) : value)});
  }
  return mean;
}

std::vector<float> ReciprocalGraph::jaccard(size_t i) const {
  std::vector<double> shared(nearest_.size(), 0);
  for (const Weight& mine : weights_[i]) {
    for (const Weight& theirs : holders_[mine.photo]) {
      double& sum = shared[theirs.photo];
      sum += std::min(mine.value, theirs.value);
      if (options_.half) sum = to_half(sum);
    }
  }
  std::vector<float> distances;
  distances.reserve(shared.size());
  for (const double m : shared) {
    const double distance =
        options_.half ? to_half(1 - to_half(m / to_half(2 - m))) : 1 - m / (2 - m);
    distances.push_back(static_cast<float>(distance));
  }
  return distances;
}

}  // namespace cairn::rank
