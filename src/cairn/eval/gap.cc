#include "cairn/eval/gap.h"

#include <algorithm>

namespace cairn::eval {

bool is_correct(const RecognitionResult& result) {
  return result.predicted.has_value() && std::find(result.truth.begin(), result.truth.end(),
                                                   *result.predicted) != result.truth.end();
}

double global_average_precision(std::span<const RecognitionResult> results,
                                const GapOptions& options) {
  size_t landmarks = 0;
  std::vector<size_t> ranking;
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].truth.empty()) ++landmarks;
    const bool counts = !options.ignore_non_landmarks || !results[i].truth.empty();
    if (results[i].predicted.has_value() && counts) ranking.push_back(i);
  }
  if (landmarks == 0) return 0;
  std::sort(ranking.begin(), ranking.end(), [&](size_t a, size_t b) {
    if (results[a].confidence != results[b].confidence) {
      return results[a].confidence > results[b].confidence;
    }
    if (options.ties == TieOrder::kLastRowFirst) return a > b;
    return results[a].id < results[b].id;
  });
  double sum = 0;
  size_t correct = 0;
  for (size_t rank = 0; rank < ranking.size(); ++rank) {
    if (!is_correct(results[ranking[rank]])) continue;
    ++correct;
    sum += static_cast<double>(correct) / static_cast<double>(rank + 1);
  }
  return sum / static_cast<double>(landmarks);
}

double top1_accuracy(std::span<const RecognitionResult> results) {
  size_t landmarks = 0;
  size_t correct = 0;
  for (const RecognitionResult& result : results) {
    if (result.truth.empty()) continue;
    ++landmarks;
    if (is_correct(result)) ++correct;
  }
  return landmarks == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(landmarks);
}

}  // namespace cairn::eval
