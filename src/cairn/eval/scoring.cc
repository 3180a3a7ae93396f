#include "cairn/eval/scoring.h"

#include <unordered_map>
#include <unordered_set>

#include "cairn/base/error.h"

namespace cairn::eval {
namespace {

bool counts(const std::string& row_usage, Usage usage) {
  switch (usage) {
    case Usage::kPublic:
      return row_usage == "Public";
    case Usage::kPrivate:
      return row_usage == "Private";
    case Usage::kAll:
      break;
  }
  return row_usage != "Ignored";
}

// join(row, answer or null) for each row of the solution that counts.
template <typename Result, typename Row, typename Answer, typename Join, typename Wanted>
Joined<Result> join(std::span<const Row> solution, std::span<const Answer> answers,
                    const Wanted& wanted, const Join& make) {
  std::unordered_map<std::string_view, const Answer*> by_id;
  for (const Answer& answer : answers) by_id.emplace(answer.id, &answer);
  Joined<Result> joined;
  std::unordered_set<std::string_view> known;
  size_t answered = 0;
  for (const Row& row : solution) {
    known.insert(row.id);
    const auto found = by_id.find(row.id);
    if (found != by_id.end()) ++answered;
    if (!wanted(row)) continue;
    if (found == by_id.end()) ++joined.missing;
    joined.results.push_back(make(row, found == by_id.end() ? nullptr : found->second));
  }
  if (joined.results.empty()) {
    throw Error("no query of the solution counts: choose another --usage (all, Public, Private)");
  }
  if (answered == 0 && !answers.empty()) {
    throw Error("the submission answers none of the solution's queries (query " +
                answers.front().id + " is not among them): they belong to different datasets");
  }
  joined.unknown = by_id.size() - answered;
  return joined;
}

}  // namespace

Usage parse_usage(const std::string& text) {
  if (text == "all") return Usage::kAll;
  if (text == "Public") return Usage::kPublic;
  if (text == "Private") return Usage::kPrivate;
  throw Error("--usage " + text + ": must be all, Public or Private");
}

Joined<RecognitionResult> join_recognition(std::span<const dataset::RecognitionSolution> solution,
                                           std::span<const RecognitionAnswer> answers,
                                           Usage usage) {
  using Row = dataset::RecognitionSolution;
  return join<RecognitionResult>(
      solution, answers, [usage](const Row& row) { return counts(row.usage, usage); },
      [](const Row& row, const RecognitionAnswer* answer) {
        RecognitionResult result{row.id, row.landmarks, std::nullopt, 0};
        if (answer != nullptr) {
          result.predicted = answer->landmark;
          result.confidence = answer->confidence;
        }
        return result;
      });
}

Joined<RetrievalResult> join_retrieval(std::span<const dataset::RetrievalSolution> solution,
                                       std::span<const RetrievalAnswer> answers, Usage usage) {
  using Row = dataset::RetrievalSolution;
  return join<RetrievalResult>(
      solution, answers,
      [usage](const Row& row) { return counts(row.usage, usage) && !row.images.empty(); },
      [](const Row& row, const RetrievalAnswer* answer) {
        return RetrievalResult{
            row.id, answer == nullptr ? std::vector<std::string>() : answer->images, row.images};
      });
}

CbirQuery cbir_query(const RetrievalResult& result) {
  CbirQuery query{result.id, {result.relevant.begin(), result.relevant.end()}, {}, {}};
  std::unordered_set<std::string_view> seen;
  for (const std::string& image : result.ranked) {
    if (seen.insert(image).second)
      query.predictions.push_back({image, {-static_cast<double>(seen.size())}});
  }
  return query;
}

}  // namespace cairn::eval
