#include "cairn/eval/revisited.h"

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/eval/average_precision.h"

namespace cairn::eval {
namespace {

using Rows = std::unordered_set<int64_t>;

struct Roles {
  std::vector<const Rows*> positive, left_out;
};

Roles roles_of(const RevisitedTruth& truth, RevisitedProtocol protocol) {
  switch (protocol) {
    case RevisitedProtocol::kEasy:
      return {{&truth.easy}, {&truth.hard, &truth.junk}};
    case RevisitedProtocol::kMedium:
      return {{&truth.easy, &truth.hard}, {&truth.junk}};
    case RevisitedProtocol::kHard:
      return {{&truth.hard}, {&truth.easy, &truth.junk}};
    case RevisitedProtocol::kNoJunk:
      break;
  }
  return {{&truth.easy, &truth.hard}, {}};
}

bool in_any(const std::vector<const Rows*>& sets, int64_t row) {
  return std::any_of(sets.begin(), sets.end(),
                     [row](const Rows* rows) { return rows->contains(row); });
}

double precision_at(const std::vector<bool>& relevant, size_t cutoff) {
  const auto last = std::find(relevant.rbegin(), relevant.rend(), true);
  const auto last_rank = static_cast<size_t>(relevant.rend() - last);  // from 1; 0 where none
  const size_t ranks = std::min(cutoff, last_rank);
  if (ranks == 0) return 0;
  const auto found =
      std::count(relevant.begin(), relevant.begin() + static_cast<long>(ranks), true);
  return static_cast<double>(found) / static_cast<double>(ranks);
}

std::optional<RevisitedQueryScores> score_query(const std::vector<int64_t>& ranking,
                                                const Roles& roles,
                                                std::span<const size_t> cutoffs) {
  size_t positives = 0;
  for (const Rows* rows : roles.positive) positives += rows->size();
  if (positives == 0) return std::nullopt;
  std::vector<bool> relevant;
  for (const int64_t row : ranking) {
    if (!in_any(roles.left_out, row)) relevant.push_back(in_any(roles.positive, row));
  }
  RevisitedQueryScores scores{trapezoidal_average_precision(relevant, positives), {}};
  for (const size_t cutoff : cutoffs) scores.precision.push_back(precision_at(relevant, cutoff));
  return scores;
}

}  // namespace

RevisitedScores score_revisited(std::span<const std::vector<int64_t>> rankings,
                                std::span<const RevisitedTruth> truth, RevisitedProtocol protocol,
                                std::span<const size_t> cutoffs) {
  if (rankings.size() != truth.size()) {
    throw Error("there are " + std::to_string(rankings.size()) + " rankings for " +
                std::to_string(truth.size()) + " queries");
  }
  RevisitedScores scores;
  scores.mean_precision.assign(cutoffs.size(), 0);
  double counted = 0;
  for (size_t q = 0; q < truth.size(); ++q) {
    scores.queries.push_back(score_query(rankings[q], roles_of(truth[q], protocol), cutoffs));
    if (!scores.queries.back()) continue;
    ++counted;
    scores.map += scores.queries.back()->ap;
    for (size_t i = 0; i < cutoffs.size(); ++i) {
      scores.mean_precision[i] += scores.queries.back()->precision[i];
    }
  }
  if (counted == 0) return scores;
  scores.map /= counted;
  for (double& value : scores.mean_precision) value /= counted;
  return scores;
}

}  // namespace cairn::eval
