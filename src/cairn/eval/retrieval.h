// Scores of retrieval: mAP@100 and its companions, as in the Google Landmarks evaluation.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace cairn::eval {

// The images that were retrieved for a query and those that should have been.
struct RetrievalResult {
  std::string id;
  std::vector<std::string> ranked;    // best first; a repeated image keeps its rank but counts once
  std::vector<std::string> relevant;  // at least one (see score_retrieval)
};

// The sum of precision at the ranks ≤ cutoff of relevant images, over min(number of relevant
// images, cutoff). 0 where nothing is relevant.
double average_precision_at(const RetrievalResult& result, size_t cutoff);

struct RetrievalScores {
  double map = 0;          // mean average precision at the cutoff
  std::vector<double> ap;  // of each query, in the order given
  std::vector<double>
      mean_precision;  // at ranks 1 … cutoff; ranks past the end of a list are errors
  std::vector<double> mean_recall;  // at ranks 1 … cutoff
  std::vector<double> cmc;   // share of queries with a relevant image at ranks ≤ 1 … cutoff
  double mean_position = 0;  // of the first relevant image, from 1; cutoff + 1 where none
  double median_position = 0;
};

// Scores of all queries; means are over all of them, so queries without relevant images must be
// left out before. Throws Error where one is there or there is no query.
RetrievalScores score_retrieval(std::span<const RetrievalResult> results, size_t cutoff = 100);

}  // namespace cairn::eval
