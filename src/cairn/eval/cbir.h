// Content-based image retrieval scores with ignored images and box similarities: mAP in three
// forms, CMC, precision and recall at ranks 1, 5, 10, 20 and 100.
#pragma once

#include <array>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace cairn::eval {

inline constexpr std::array<size_t, 5> kCbirRanks = {1, 5, 10, 20, 100};

enum class CbirMetric {
  kRetrieval,  // mean precision at the positives
  kVoc,        // area under the monotone precision-recall curve, padded to 100 ranks
  kDelg,       // trapezoidal
};

struct CbirPrediction {
  std::string image;
  std::vector<double> similarities;  // of its boxes; the best one counts, none drops the image
};

struct CbirQuery {
  std::string image;  // the query itself is left out of its ranking
  std::unordered_set<std::string> positives;
  std::unordered_set<std::string> ignored;  // neither right nor wrong: left out of the ranking
  std::vector<CbirPrediction> predictions;  // equal similarities keep this order
};

struct CbirScores {
  double map = 0;
  std::vector<double> ap;  // of each query that counts
  std::array<double, kCbirRanks.size()> cmc = {};
  // Precision at 5, 10 and 20 is that of the first rank with full recall, where that comes no
  // later.
  std::array<double, kCbirRanks.size()> mean_precision = {};
  std::array<double, kCbirRanks.size()> mean_recall = {};
  double average_positives = 0;    // over all queries
  double average_predictions = 0;  // with a box, before images are left out; over counted queries
  double largest_recall = 0;
  double average_upper_bound = 0;  // the rank (from 1) at which recall reaches its best
  double mean_threshold = 0;       // the similarity there; 0 past the end of the list
  size_t valid_queries = 0;        // queries with positives; the means above are over these
};

// A query without positives counts in average_positives only. A query without any prediction scores
// zeros.
CbirScores score_cbir(std::span<const CbirQuery> queries, CbirMetric metric);

}  // namespace cairn::eval
