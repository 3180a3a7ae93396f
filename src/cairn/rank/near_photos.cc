#include "cairn/rank/near_photos.h"

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/rank/fast_score.h"
#include "cairn/rank/reciprocal_graph.h"
#include "cairn/search/dot.h"

namespace cairn::rank {
namespace {

// A photo c that is as near to y as to itself lies close to y: |y - c|² <= |y|² - |c|². So their
// similarities to a query differ by less than this.
constexpr double kApart = 0.021;
static_assert(kApart * kApart > 4.1 * NearPhotos::kLengthSlack);
// More than all roundings of weights and scores.
constexpr double kRounding = 1e-4;

}  // namespace

// Which descriptions follow from the lists that are known.
class NearPhotos::Knowledge {
 public:
  Knowledge(const NearPhotos& near, std::vector<bool>& used)
      : near_(near), used_(used), half_(half_of(near.options_.k1)) {}

  // Whether the list of a node is known.
  bool list(uint32_t node) {
    if (node == near_.outside()) return false;
    used_[node] = true;
    return !near_.near_[node].empty();
  }

  // The description that a node is compared by.
  bool averaged(uint32_t node) {
    if (near_.options_.k2 == 1) return described(node);
    return list(node) && std::ranges::all_of(first(node, near_.options_.k2),
                                             [&](uint32_t near) { return described(near); });
  }

  // The nodes, if all are known, whose own descriptions can have a photo in common with `weights`:
  // a description holds a photo p only of a node that p has in its list, or that a photo in the
  // first half of p's list has in its own.
  std::optional<std::vector<bool>> sharing(const std::vector<Weight>& weights) {
    std::vector<bool> nodes(near_.count() + 1, false);
    for (const Weight& weight : weights) {
      if (!list(weight.photo)) return {};
      for (const uint32_t node : near_.near_[weight.photo]) nodes[node] = true;
      for (const uint32_t between : first(weight.photo, half_ + 1)) {
        if (!list(between)) return {};
        for (const uint32_t node : near_.near_[between]) nodes[node] = true;
      }
    }
    if (nodes[near_.outside()]) return {};
    return nodes;
  }

 private:
  std::span<const uint32_t> first(uint32_t node, size_t count) const {
    const auto& list = near_.near_[node];
    return std::span(list).first(std::min(count, list.size()));
  }

  bool has(uint32_t node, uint32_t other) const {
    return std::ranges::find(near_.near_[node], other) != near_.near_[node].end();
  }

  bool mutual(uint32_t node, size_t k) {
    return list(node) &&
           std::ranges::all_of(first(node, k + 1), [&](uint32_t near) { return list(near); });
  }

  bool described(uint32_t node) {
    return mutual(node, near_.options_.k1) &&
           std::ranges::all_of(near_.near_[node], [&](uint32_t near) {
             return !has(near, node) || mutual(near, half_);
           });
  }

  const NearPhotos& near_;
  std::vector<bool>& used_;
  size_t half_;
};

NearPhotos::NearPhotos(const float* query, std::span<const search::Hit> hits,
                       const search::Rows& photos, const FastKReciprocalOptions& options)
    : photos_(photos), options_(options) {
  CAIRN_ASSERT(hits.size() == options.neighbours && hits.size() >= options.k1 + 2);
  std::vector<uint32_t> nearest;
  for (const search::Hit& hit : hits) {
    nearest.push_back(static_cast<uint32_t>(hit.row));
    rows_.push_back(hit.row);
  }
  std::sort(rows_.begin(), rows_.end());
  std::vector<const float*> vectors = {query};
  for (const size_t photo : rows_) vectors.push_back(photos.row(photo));
  cosines_.resize(count() * count());
  for (size_t node = 0; node < count(); ++node)
    search::dots(vectors[node], vectors.data(), count(), photos.dim, &cosines_[node * count()]);
  near_.resize(count());
  learn(0, nearest);
}

uint32_t NearPhotos::node_of(size_t row) const {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), row);
  if (at == rows_.end() || *at != row) return outside();
  return static_cast<uint32_t>(at - rows_.begin()) + 1;
}

std::vector<uint32_t> NearPhotos::nearest_here(size_t node) const {
  std::vector<uint32_t> nodes;
  for (uint32_t other = 1; other < count(); ++other) nodes.push_back(other);
  std::ranges::stable_sort(nodes,
                           [&](uint32_t a, uint32_t b) { return score(node, a) > score(node, b); });
  nodes.resize(options_.k1 + 2);
  for (uint32_t& other : nodes) other = static_cast<uint32_t>(row(other));
  return nodes;
}

void NearPhotos::learn(size_t node, std::span<const uint32_t> nearest) {
  struct Neighbour {
    float score;
    size_t place;  // among those that are equally near
    uint32_t node;
  };
  const auto neighbour = [&](uint32_t of) {
    const uint32_t other = node_of(of);
    const float its =
        other != outside()
            ? score(node, other)
            : static_cast<float>(search::dot(photos_.row(row(node)), photos_.row(of), photos_.dim));
    return Neighbour{its, size_t{of} + 1, other};
  };
  // Photos as near as the last may have been left out.
  const float last = neighbour(nearest.back()).score;
  std::vector<Neighbour> all = {{score(node, 0), 0, 0}};
  for (const uint32_t of : nearest) all.push_back(neighbour(of));
  std::erase_if(all, [last](const Neighbour& its) { return its.score <= last; });
  const size_t length = options_.k1 + 1;
  if (all.size() < length) return;
  std::ranges::sort(all, [](const Neighbour& a, const Neighbour& b) {
    return a.score != b.score ? a.score > b.score : a.place < b.place;
  });
  std::vector<uint32_t>& list = near_[node];
  for (size_t i = 0; i < length; ++i) list.push_back(all[i].node);
  put_self_in(list, static_cast<uint32_t>(node));
}

// Of the k2 descriptions that are averaged one is the photo's own, unless others are as near.
double NearPhotos::shared_by_others() const {
  return 1 - 1 / static_cast<double>(options_.k2) + kRounding;
}

// Whether some of the nodes are as near to a node as itself.
bool NearPhotos::nearer_than_itself(size_t node, const std::vector<bool>& nodes) const {
  for (size_t other = 0; other < count(); ++other)
    if (nodes[other] && score(node, other) >= score(node, node)) return true;
  return false;
}

// The greatest score of a photo that has at most so much in common with the query.
double NearPhotos::upper_bound(double cosine, double shared) const {
  const double jaccard = 1 - shared / (2 - shared);
  return fast_score(cosine, jaccard, options_.lambda);
}

std::optional<std::vector<search::Hit>> NearPhotos::first_hits(size_t top,
                                                               std::vector<bool>& used) const {
  Knowledge known(*this, used);
  if (!known.averaged(0)) return {};
  std::vector<std::vector<uint32_t>> nearest = near_;
  nearest.push_back({outside()});
  for (uint32_t node = 0; node < count(); ++node)
    if (nearest[node].empty()) nearest[node] = {node};
  const ReciprocalGraph graph(
      std::move(nearest),
      [&](size_t a, size_t b) { return a == outside() ? 0 : half_distance(cosine(a, b)); },
      {.k1 = options_.k1, .k2 = options_.k2});
  const auto sharing = known.sharing(graph.weights(0));
  if (!sharing) return {};
  double least = 1;
  double farthest = 1;
  for (size_t node = 0; node < count(); ++node) {
    if ((*sharing)[node]) least = std::min(least, cosine(0, node));
    farthest = std::min(farthest, cosine(0, node));
  }
  // Else photos beyond these might be close to photos that share.
  if (least <= farthest + kApart) return {};
  const std::vector<float> jaccard = graph.jaccard(0);
  std::vector<search::Hit> hits;
  double bound = upper_bound(farthest, shared_by_others());
  const auto add = [&](uint32_t node) {
    if (!known.averaged(node)) return false;
    hits.push_back({row(node), fast_score(cosine(0, node), jaccard[node], options_.lambda)});
    return true;
  };
  for (uint32_t node = 1; node < count(); ++node)
    if ((*sharing)[node] && !add(node)) bound = std::max(bound, upper_bound(cosine(0, node), 1));
  if (hits.size() < top) return {};
  sort_by_score(hits, photos_.ids);
  // Of the others only those that may be better need a score.
  const double least_hit = hits[top - 1].score - kRounding;
  for (uint32_t node = 1; node < count(); ++node) {
    if ((*sharing)[node]) continue;
    const bool apart = !nearer_than_itself(node, *sharing);
    const double its = upper_bound(cosine(0, node), apart ? shared_by_others() : 1);
    if (its < least_hit || !add(node)) bound = std::max(bound, its);
  }
  sort_by_score(hits, photos_.ids);
  hits.resize(top);
  if (hits.back().score <= bound + kRounding) return {};
  return hits;
}

}  // namespace cairn::rank
