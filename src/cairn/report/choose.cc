#include "cairn/report/choose.h"

#include <algorithm>

namespace cairn::report {
namespace {

using eval::RecognitionResult;

// Positions of the results with a verdict, most confident first, ties by id.
std::vector<size_t> with_verdict(const std::vector<RecognitionResult>& results, Verdict verdict) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < results.size(); ++i) {
    if (judge(results[i]) == verdict) chosen.push_back(i);
  }
  std::sort(chosen.begin(), chosen.end(), [&](size_t a, size_t b) {
    if (results[a].confidence != results[b].confidence) {
      return results[a].confidence > results[b].confidence;
    }
    return results[a].id < results[b].id;
  });
  return chosen;
}

// `count` of the items, evenly spread from the first to the last.
std::vector<size_t> spread(const std::vector<size_t>& items, size_t count) {
  if (count >= items.size()) return items;
  std::vector<size_t> chosen;
  chosen.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    chosen.push_back(items[count == 1 ? 0 : i * (items.size() - 1) / (count - 1)]);
  }
  return chosen;
}

void by_average_precision(const Run& run, std::vector<size_t>& items) {
  const auto ap = [&run](size_t i) {
    const auto found = run.ap.find(run.recognition.results[i].id);
    return found == run.ap.end() ? 2.0 : found->second;  // not scored: after all others
  };
  std::stable_sort(items.begin(), items.end(), [&](size_t a, size_t b) { return ap(a) < ap(b); });
}

}  // namespace

Verdict judge(const RecognitionResult& result) {
  if (result.truth.empty()) {
    return result.predicted ? Verdict::kFalseAlarm : Verdict::kRightlyNone;
  }
  if (!result.predicted) return Verdict::kMissed;
  return eval::is_correct(result) ? Verdict::kRight : Verdict::kWrongLandmark;
}

std::vector<Choice> choose_queries(const Run& run, size_t count) {
  const auto& results = run.recognition.results;
  std::vector<size_t> right = with_verdict(results, Verdict::kRight);
  by_average_precision(run, right);
  const std::vector<Verdict> failures = {Verdict::kWrongLandmark, Verdict::kFalseAlarm,
                                         Verdict::kMissed};
  // A third each, but what the right answers do not need is for the failures.
  const size_t places = std::max((count + 2) / 3, count - std::min(count, right.size()));
  std::vector<Choice> chosen;
  for (const Verdict verdict : failures) {
    const std::vector<size_t> items = with_verdict(results, verdict);
    const size_t some = std::min({places, items.size(), count - chosen.size()});
    for (size_t i = 0; i < some; ++i) chosen.push_back({items[i], verdict});
  }
  for (const size_t i : spread(right, count - chosen.size())) {
    chosen.push_back({i, Verdict::kRight});
  }
  return chosen;
}

}  // namespace cairn::report
