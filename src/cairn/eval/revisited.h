// The Revisited Oxford and Paris protocols (Radenović et al., CVPR 2018, "Revisiting Oxford and
// Paris: Large-Scale Image Retrieval Benchmarking").
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace cairn::eval {

// What a query's database rows are. Rows in none of the sets are negatives.
struct RevisitedTruth {
  std::unordered_set<int64_t> easy, hard, junk;
};

enum class RevisitedProtocol {
  kEasy,    // positives easy; hard and junk left out of the ranking
  kMedium,  // positives easy and hard; junk left out
  kHard,    // positives hard; easy and junk left out
  kNoJunk,  // positives easy and hard; nothing left out
};

struct RevisitedQueryScores {
  double ap = 0;  // trapezoidal
  std::vector<double>
      precision;  // at each cutoff k, or at the last positive's rank if that is lower
};

struct RevisitedScores {
  double map = 0;                                            // over the queries with positives
  std::vector<double> mean_precision;                        // at each cutoff
  std::vector<std::optional<RevisitedQueryScores>> queries;  // nothing: no positives
};

// rankings[q]: database rows, best first; positives that it lacks count as not found.
RevisitedScores score_revisited(std::span<const std::vector<int64_t>> rankings,
                                std::span<const RevisitedTruth> truth, RevisitedProtocol protocol,
                                std::span<const size_t> cutoffs);

}  // namespace cairn::eval
