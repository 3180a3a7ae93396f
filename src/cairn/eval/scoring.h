// Joins solutions with submissions and scores them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cairn/dataset/solutions.h"
#include "cairn/eval/cbir.h"
#include "cairn/eval/gap.h"
#include "cairn/eval/retrieval.h"
#include "cairn/eval/submission.h"

namespace cairn::eval {

// Which part of a solution counts. Rows with the usage "Ignored" never do.
enum class Usage { kAll, kPublic, kPrivate };
// "all", "Public" or "Private"; throws Error otherwise.
Usage parse_usage(const std::string& text);

// A solution's queries with what was answered; a query that the submission lacks has no answer.
template <typename Result>
struct Joined {
  std::vector<Result> results;  // in the solution's order
  size_t missing = 0;           // queries that the submission lacks
  size_t unknown = 0;           // submitted queries that the solution lacks
};

// Throws Error where no query counts, or solution and submission have no query in common (two
// different datasets).
Joined<RecognitionResult> join_recognition(std::span<const dataset::RecognitionSolution> solution,
                                           std::span<const RecognitionAnswer> answers, Usage usage);
// Queries without relevant images ("None") are left out.
Joined<RetrievalResult> join_retrieval(std::span<const dataset::RetrievalSolution> solution,
                                       std::span<const RetrievalAnswer> answers, Usage usage);

// The query for score_cbir. A submission says no similarities: they fall by one a rank (so the
// score's mean_threshold means nothing). A repeated image counts at its first rank only.
CbirQuery cbir_query(const RetrievalResult& result);

}  // namespace cairn::eval
