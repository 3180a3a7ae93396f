#include "cairn/eval/cbir.h"

#include <algorithm>

#include "cairn/eval/average_precision.h"

namespace cairn::eval {
namespace {

constexpr size_t kPaddedLength = kCbirRanks.back();

// The ranking of one query after images were left out. Vectors have at least kPaddedLength ranks:
// recall is padded with its last value, the others with 0.
struct Ranking {
  std::vector<bool> relevant;  // not padded
  std::vector<double> precision, recall, similarity;
  size_t predictions = 0;  // before images were left out
};

Ranking rank_query(const CbirQuery& query) {
  struct Item {
    const std::string* image;
    double similarity;
  };
  std::vector<Item> items;
  for (const CbirPrediction& prediction : query.predictions) {
    if (prediction.similarities.empty()) continue;
    items.push_back({&prediction.image, *std::max_element(prediction.similarities.begin(),
                                                          prediction.similarities.end())});
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.similarity > b.similarity; });
  Ranking ranking;
  ranking.predictions = items.size();
  size_t found = 0;
  for (const Item& item : items) {
    if (query.ignored.contains(*item.image) || *item.image == query.image) continue;
    ranking.relevant.push_back(query.positives.contains(*item.image));
    if (ranking.relevant.back()) ++found;
    const double correct = static_cast<double>(found);
    ranking.precision.push_back(correct / static_cast<double>(ranking.relevant.size()));
    ranking.recall.push_back(correct / static_cast<double>(query.positives.size()));
    ranking.similarity.push_back(item.similarity);
  }
  const size_t length = std::max(kPaddedLength, ranking.relevant.size());
  ranking.precision.resize(length, 0);
  ranking.recall.resize(length, ranking.recall.empty() ? 0 : ranking.recall.back());
  ranking.similarity.resize(length, 0);
  return ranking;
}

double ap_of(const Ranking& ranking, size_t positives, CbirMetric metric) {
  switch (metric) {
    case CbirMetric::kVoc:
      return interpolated_average_precision(ranking.precision, ranking.recall);
    case CbirMetric::kDelg:
      return trapezoidal_average_precision(ranking.relevant, positives);
    case CbirMetric::kRetrieval:
      break;
  }
  return average_precision(ranking.relevant, positives);
}

// Adds the precision at each of kCbirRanks. Precision at 5, 10 and 20 does not suffer from there
// being fewer positives than ranks.
void add_precision(const Ranking& ranking, CbirScores& scores) {
  const auto full = std::find_if(ranking.recall.begin(), ranking.recall.end(),
                                 [](double recall) { return recall >= 1; });
  const size_t full_rank = static_cast<size_t>(full - ranking.recall.begin());
  for (size_t i = 0; i < kCbirRanks.size(); ++i) {
    const bool replaceable = i != 0 && i + 1 != kCbirRanks.size();
    const size_t rank = kCbirRanks[i] - 1;
    scores.mean_precision[i] += ranking.precision[replaceable ? std::min(rank, full_rank) : rank];
  }
}

}  // namespace

CbirScores score_cbir(std::span<const CbirQuery> queries, CbirMetric metric) {
  CbirScores scores;
  for (const CbirQuery& query : queries) {
    scores.average_positives += static_cast<double>(query.positives.size());
    if (query.positives.empty()) continue;
    ++scores.valid_queries;
    const Ranking ranking = rank_query(query);
    scores.average_predictions += static_cast<double>(ranking.predictions);
    scores.ap.push_back(ap_of(ranking, query.positives.size(), metric));
    scores.map += scores.ap.back();
    const auto best = std::max_element(ranking.recall.begin(), ranking.recall.end());
    const size_t best_rank = static_cast<size_t>(best - ranking.recall.begin());
    scores.largest_recall += *best;
    scores.average_upper_bound += static_cast<double>(best_rank + 1);
    scores.mean_threshold += ranking.similarity[best_rank];
    const auto first = std::find(ranking.relevant.begin(), ranking.relevant.end(), true);
    for (size_t i = 0; i < kCbirRanks.size(); ++i) {
      if (first != ranking.relevant.end() &&
          static_cast<size_t>(first - ranking.relevant.begin()) < kCbirRanks[i]) {
        scores.cmc[i] += 1;
      }
      scores.mean_recall[i] += ranking.recall[kCbirRanks[i] - 1];
    }
    add_precision(ranking, scores);
  }
  if (!queries.empty()) scores.average_positives /= static_cast<double>(queries.size());
  const double valid = static_cast<double>(std::max<size_t>(1, scores.valid_queries));
  for (double* mean : {&scores.map, &scores.average_predictions, &scores.largest_recall,
                       &scores.average_upper_bound, &scores.mean_threshold}) {
    *mean /= valid;
  }
  for (size_t i = 0; i < kCbirRanks.size(); ++i) {
    scores.cmc[i] /= valid;
    scores.mean_precision[i] /= valid;
    scores.mean_recall[i] /= valid;
  }
  return scores;
}

}  // namespace cairn::eval
