// Which queries a report shows.
#pragma once

#include <vector>

#include "cairn/report/run.h"

namespace cairn::report {

enum class Verdict {
  kWrongLandmark,  // a landmark, named as another one
  kMissed,         // a landmark, not named
  kFalseAlarm,     // no landmark, but named as one
  kRight,          // a landmark, named right
  kRightlyNone,    // no landmark, and not named
};

Verdict judge(const eval::RecognitionResult& result);

struct Choice {
  size_t result = 0;  // position in run.recognition.results
  Verdict verdict = Verdict::kRight;
};

// At most `count` queries, the worst failures first: wrong landmarks and then false alarms by
// falling confidence, then missed landmarks, then right answers spread evenly from the worst
// retrieval to the best. Each kind of failure gets at most about a third of the places unless the
// right answers leave some over.
std::vector<Choice> choose_queries(const Run& run, size_t count);

}  // namespace cairn::report
