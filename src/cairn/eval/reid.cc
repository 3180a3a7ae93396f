#include "cairn/eval/reid.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "cairn/base/error.h"
#include "cairn/eval/average_precision.h"

namespace cairn::eval {
namespace {

using Compared = bool (*)(const ReidImage& query, const ReidImage& image);
using Metric = double (*)(const std::vector<bool>& relevant, size_t positives);

bool from_another_camera(const ReidImage& query, const ReidImage& image) {
  return image.id != query.id || image.camera != query.camera;
}

bool in_group_or_distractor(const ReidImage& query, const ReidImage& image) {
  return image.camera == query.camera ||
         (image.id == kReidDistractor && image.camera == kReidDistractor);
}

// Marks of the gallery images that the query is compared with, nearest first.
std::vector<bool> ranked_matches(std::span<const float> distances, const ReidImage& query,
                                 std::span<const ReidImage> gallery, Compared compared) {
  std::vector<size_t> order(gallery.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return distances[a] < distances[b]; });
  std::vector<bool> relevant;
  for (const size_t i : order) {
    if (compared(query, gallery[i])) relevant.push_back(gallery[i].id == query.id);
  }
  return relevant;
}

ReidScores score(std::span<const float> distances, std::span<const ReidImage> queries,
                 std::span<const ReidImage> gallery, size_t ranks, bool cut, Compared compared,
                 Metric metric) {
  if (distances.size() != queries.size() * gallery.size()) {
    throw Error("there are " + std::to_string(distances.size()) + " distances for " +
                std::to_string(queries.size()) + " queries and " + std::to_string(gallery.size()) +
                " gallery images");
  }
  ReidScores scores;
  scores.cmc.assign(std::min(ranks, gallery.size()), 0);
  for (size_t q = 0; q < queries.size(); ++q) {
    std::vector<bool> relevant = ranked_matches(
        distances.subspan(q * gallery.size(), gallery.size()), queries[q], gallery, compared);
    const auto positives = static_cast<size_t>(std::count(relevant.begin(), relevant.end(), true));
    if (positives == 0) continue;
    ++scores.valid_queries;
    const auto first =
        static_cast<size_t>(std::find(relevant.begin(), relevant.end(), true) - relevant.begin());
    for (size_t rank = first; rank < scores.cmc.size(); ++rank) scores.cmc[rank] += 1;
    if (cut && relevant.size() > ranks) relevant.resize(ranks);
    scores.map += metric(relevant, positives);
  }
  const double valid = static_cast<double>(std::max<size_t>(1, scores.valid_queries));
  scores.map /= valid;
  for (double& value : scores.cmc) value /= valid;
  return scores;
}

std::vector<float> pairwise(std::span<const float> queries, std::span<const float> gallery,
                            size_t dim,
                            const std::function<double(const float*, const float*)>& f) {
  if (dim == 0 || queries.size() % dim != 0 || gallery.size() % dim != 0) {
    throw Error("the vectors are not rows of " + std::to_string(dim) + " numbers");
  }
  std::vector<float> result;
  result.reserve(queries.size() / dim * (gallery.size() / dim));
  for (size_t q = 0; q < queries.size(); q += dim) {
    for (size_t g = 0; g < gallery.size(); g += dim) {
      result.push_back(static_cast<float>(f(&queries[q], &gallery[g])));
    }
  }
  return result;
}

double dot(const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace

ReidScores score_reid(std::span<const float> distances, std::span<const ReidImage> queries,
                      std::span<const ReidImage> gallery, size_t max_rank) {
  return score(distances, queries, gallery, max_rank, false, from_another_camera,
               average_precision);
}

ReidScores score_reid_by_group(std::span<const float> distances, std::span<const ReidImage> queries,
                               std::span<const ReidImage> gallery, size_t max_rank) {
  return score(distances, queries, gallery, max_rank, true, in_group_or_distractor,
               trapezoidal_average_precision);
}

std::vector<float> squared_distances(std::span<const float> queries, std::span<const float> gallery,
                                     size_t dim) {
  return pairwise(queries, gallery, dim, [dim](const float* a, const float* b) {
    double sum = 0;
    for (size_t i = 0; i < dim; ++i) {
      const double difference = static_cast<double>(a[i]) - b[i];
      sum += difference * difference;
    }
    return sum;
  });
}

std::vector<float> angles(std::span<const float> queries, std::span<const float> gallery,
                          size_t dim) {
  return pairwise(queries, gallery, dim, [dim](const float* a, const float* b) {
    const double lengths = std::sqrt(dot(a, a, dim) * dot(b, b, dim));
    return std::acos(std::clamp(dot(a, b, dim) / lengths, -1.0, 1.0));
  });
}

}  // namespace cairn::eval
