// Scores of recognition: Global Average Precision and top-1 accuracy.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cairn::eval {

// What is true of a query and what was answered.
struct RecognitionResult {
  std::string id;
  std::vector<int64_t> truth;        // its landmarks; empty: not a landmark
  std::optional<int64_t> predicted;  // nothing: "no landmark"
  double confidence = 0;             // of the prediction; any real number
};

// Whether the answer names one of the query's landmarks.
bool is_correct(const RecognitionResult& result);

// Who goes first where confidences are equal.
enum class TieOrder {
  kIdAscending,   // byte-wise by id: the Kaggle rule
  kLastRowFirst,  // later rows first, as a reversed stable sort does
};

struct GapOptions {
  // Leave out queries that show no landmark instead of counting answers to them as errors.
  bool ignore_non_landmarks = false;
  TieOrder ties = TieOrder::kIdAscending;
};

// Global Average Precision (micro average precision; Perronnin, Liu, Renders 2009, "A family of
// contextual measures of similarity between distributions"), as on Kaggle:
//   GAP = 1/M * sum over answers i, by falling confidence, of precision(i) * correct(i),
// M the number of queries with a landmark. Queries without an answer take no rank. 0 where no query
// has a landmark.
double global_average_precision(std::span<const RecognitionResult> results,
                                const GapOptions& options = {});

// The share of the queries with a landmark that are answered right; 0 where there is none.
double top1_accuracy(std::span<const RecognitionResult> results);

}  // namespace cairn::eval
