#include "cairn/eval/retrieval.h"

#include <algorithm>
#include <unordered_set>

#include "cairn/base/error.h"
#include "cairn/eval/average_precision.h"

namespace cairn::eval {
namespace {

// Marks of the first `cutoff` ranks: relevant, and not seen before in the list.
std::vector<bool> mark(const RetrievalResult& result, size_t cutoff) {
  std::unordered_set<std::string_view> wanted(result.relevant.begin(), result.relevant.end());
  std::vector<bool> marks(std::min(cutoff, result.ranked.size()));
  for (size_t rank = 0; rank < marks.size(); ++rank) {
    marks[rank] = wanted.erase(result.ranked[rank]) > 0;
  }
  return marks;
}

size_t count_relevant(const RetrievalResult& result) {
  return std::unordered_set<std::string_view>(result.relevant.begin(), result.relevant.end())
      .size();
}

double average_precision_of(const std::vector<bool>& marks, const RetrievalResult& result,
                            size_t cutoff) {
  return average_precision(marks, std::min(cutoff, count_relevant(result)));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

double average_precision_at(const RetrievalResult& result, size_t cutoff) {
  return average_precision_of(mark(result, cutoff), result, cutoff);
}

RetrievalScores score_retrieval(std::span<const RetrievalResult> results, size_t cutoff) {
  if (results.empty()) throw Error("no query has relevant images: there is nothing to score");
  RetrievalScores scores;
  scores.mean_precision.assign(cutoff, 0);
  scores.mean_recall.assign(cutoff, 0);
  scores.cmc.assign(cutoff, 0);
  std::vector<double> positions;
  for (const RetrievalResult& result : results) {
    if (result.relevant.empty()) {
      throw Error("query " + result.id + " has no relevant image: leave it out of the scores");
    }
    const std::vector<bool> marks = mark(result, cutoff);
    scores.ap.push_back(average_precision_of(marks, result, cutoff));
    scores.map += scores.ap.back();
    const auto first = std::find(marks.begin(), marks.end(), true);
    positions.push_back(first == marks.end() ? static_cast<double>(cutoff + 1)
                                             : static_cast<double>(first - marks.begin() + 1));
    scores.mean_position += positions.back();
    const double relevant = static_cast<double>(count_relevant(result));
    size_t found = 0;
    for (size_t rank = 0; rank < cutoff; ++rank) {
      if (rank < marks.size() && marks[rank]) ++found;
      scores.mean_precision[rank] += static_cast<double>(found) / static_cast<double>(rank + 1);
      scores.mean_recall[rank] += static_cast<double>(found) / relevant;
      if (found > 0) scores.cmc[rank] += 1;
    }
  }
  const double queries = static_cast<double>(results.size());
  scores.map /= queries;
  scores.mean_position /= queries;
  scores.median_position = median(positions);
  for (double& value : scores.mean_precision) value /= queries;
  for (double& value : scores.mean_recall) value /= queries;
  for (double& value : scores.cmc) value /= queries;
  return scores;
}

}  // namespace cairn::eval
