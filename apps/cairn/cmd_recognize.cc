// cairn recognize: the landmark of each query, as a Kaggle submission.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/dataset/photos.h"
#include "cairn/eval/submission.h"
#include "cairn/rank/landmark_votes.h"
#include "commands.h"
#include "embeddings.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes a submission id,landmarks with "landmark_id confidence" for each query: its --top-k most
similar references vote, their similarities are summed per landmark, and the highest sum wins and is
the confidence (equal sums: the smaller landmark id).

References without a label do not vote; labels without an embedding are counted and reported.

Examples:
  cairn recognize --queries emb/test --references emb/train --labels gldv2/train/train.csv \
                  --out recognition.csv
  cairn eval recognition --solution gldv2/test/recognition_solution_v2.1.csv \
                         --submission recognition.csv)";

struct Options {
  std::string queries;
  std::string references;
  std::string labels;
  std::string out;
  size_t top_k = 3;
  int threads = 0;
};

// Drops the references without a label, in place; returns the landmarks of those that stay.
std::vector<int64_t> keep_labelled(embed::EmbeddingSet& references, const Options& options) {
  std::unordered_map<std::string, int64_t> landmark_of;
  for (dataset::Label& label : dataset::read_labels(options.labels)) {
    landmark_of.emplace(std::move(label.id), label.landmark);
  }
  std::vector<int64_t> landmarks;
  for (size_t i = 0; i < references.size(); ++i) {
    const auto found = landmark_of.find(references.ids[i]);
    if (found == landmark_of.end()) continue;
    const size_t row = landmarks.size();
    landmarks.push_back(found->second);
    if (row == i) continue;
    std::copy_n(references.row(i), references.dim,
                references.values.begin() + static_cast<std::ptrdiff_t>(row * references.dim));
    references.ids[row] = std::move(references.ids[i]);
  }
  const size_t without_label = references.size() - landmarks.size();
  const size_t without_embedding = landmark_of.size() - landmarks.size();
  references.ids.resize(landmarks.size());
  references.values.resize(landmarks.size() * references.dim);
  if (landmarks.empty()) {
    throw Error(options.labels + ": labels none of the photos of " + options.references +
                "; give the table that belongs to the references");
  }
  if (without_label > 0) {
    log_warning(fmt::format("{} of {} references have no label in {} and do not vote",
                            without_label, without_label + landmarks.size(), options.labels));
  }
  if (without_embedding > 0) {
    log_warning(fmt::format("{} of {} labels have no embedding in {}", without_embedding,
                            without_embedding + landmarks.size(), options.references));
  }
  return landmarks;
}

void recognize_command(const Options& options) {
  make_folder_of(options.out);
  QueriesAndIndex sets = load_queries_and_index(options.queries, options.references);
  const std::vector<int64_t> landmarks = keep_labelled(sets.index, options);
  const auto votes = rank::recognize(
      rows_of(sets.queries), rows_of(sets.index), landmarks,
      {options.top_k, options.threads,
       search_options(options.top_k, options.threads, sets.queries.size()).on_done});
  std::vector<eval::RecognitionAnswer> answers;
  for (size_t q = 0; q < votes.size(); ++q) {
    eval::RecognitionAnswer answer{sets.queries.ids[q], std::nullopt, 0};
    if (votes[q]) {
      answer.landmark = votes[q]->landmark;
      answer.confidence = votes[q]->confidence;
    }
    answers.push_back(std::move(answer));
  }
  eval::write_recognition_submission(options.out, answers);
  log_info(
      fmt::format("{}: {} queries, {} references", options.out, answers.size(), landmarks.size()));
}

}  // namespace

void declare_recognize(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--queries", options->queries, "embedding folder")->required();
  app.add_option("--references", options->references, "embedding folder of labelled photos")
      ->required();
  app.add_option("--labels", options->labels,
                 "table id,landmark_id (train.csv) or landmark_id,images (train_clean.csv)")
      ->required();
  app.add_option("--out", options->out, "submission to write")->required();
  app.add_option("--top-k", options->top_k, "references that vote")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--threads", options->threads, "0: all cores")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.callback([options] { recognize_command(*options); });
}

}  // namespace cairn::apps
