#include "cairn_train/run/scores.h"

#include <algorithm>
#include <map>
#include <string>

#include "cairn/eval/average_precision.h"
#include "cairn/eval/gap.h"

namespace cairn::run {
namespace {

constexpr int kVotes = 3;
constexpr size_t kDepth = 100;

// References other than the query itself, most similar first.
std::vector<size_t> ranked_references(const float* similarities, size_t query_photo,
                                      const LabelledEmbeddings& references) {
  std::vector<size_t> order;
  for (size_t r = 0; r < references.photos.size(); ++r)
    if (references.photos[r] != query_photo) order.push_back(r);
  std::ranges::stable_sort(order,
                           [&](size_t a, size_t b) { return similarities[a] > similarities[b]; });
  return order;
}

// The landmark with the largest sum of its best similarities, and that sum.
void name_landmark(const std::vector<size_t>& order, const float* similarities,
                   const LabelledEmbeddings& references, eval::RecognitionResult& result) {
  std::map<int64_t, std::pair<int, double>> votes;
  for (const size_t r : order) {
    auto& [count, sum] = votes[references.landmarks[r]];
    if (count++ < kVotes) sum += similarities[r];
  }
  for (const auto& [landmark, vote] : votes) {
    if (result.predicted && vote.second <= result.confidence) continue;
    result.predicted = landmark;
    result.confidence = vote.second;
  }
}

}  // namespace

Scores score_embeddings(const LabelledEmbeddings& queries, const LabelledEmbeddings& references) {
  const torch::Tensor similarities =
      queries.embeddings.matmul(references.embeddings.t()).contiguous();
  std::vector<eval::RecognitionResult> results;
  double precision_sum = 0;
  size_t with_relevant = 0;
  for (size_t q = 0; q < queries.photos.size(); ++q) {
    const float* row = similarities.data_ptr<float>() + q * references.photos.size();
    const std::vector<size_t> order = ranked_references(row, queries.photos[q], references);
    std::vector<bool> relevant;
    for (const size_t r : order)
      relevant.push_back(references.landmarks[r] == queries.landmarks[q]);
    const auto positives = static_cast<size_t>(std::ranges::count(relevant, true));

    eval::RecognitionResult result{std::to_string(queries.photos[q]), {}, {}, 0};
    if (positives > 0) result.truth = {queries.landmarks[q]};
    name_landmark(order, row, references, result);
    results.push_back(std::move(result));
    if (positives == 0) continue;
    ++with_relevant;
    relevant.resize(std::min(relevant.size(), kDepth));
    precision_sum += eval::average_precision(relevant, std::min(positives, kDepth));
  }
  Scores scores;
  scores.top1 = eval::top1_accuracy(results);
  scores.gap = eval::global_average_precision(results);
  if (with_relevant > 0) scores.map = precision_sum / static_cast<double>(with_relevant);
  return scores;
}

}  // namespace cairn::run
