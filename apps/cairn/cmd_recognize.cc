// cairn recognize: the landmark of each query, as a Kaggle submission.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/dataset/photos.h"
#include "cairn/eval/submission.h"
#include "cairn/rank/quantile.h"
#include "commands.h"
#include "embeddings.h"
#include "numbers.h"
#include "output.h"
#include "post_processing.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes a submission id,landmarks with "landmark_id confidence" for each query: its --top-k most
similar references vote, their similarities are summed per landmark, and the highest sum wins and is
the confidence (equal sums: the smaller landmark id).

References without a label do not vote; labels without an embedding are counted and reported.

Steps that can follow, in this order, each on when its options are given:
 1 --nonlandmarks: similarity to a reference counts minus the reference's mean similarity to its 5
   nearest non-landmarks, confidence minus the query's mean similarity to its 10 nearest
   (Henkel and Singer, arXiv 2010.01650)
 2 --detections: photos more than --max-box-area of whose area are objects (cairn detect) show none
 3 --max-per-landmark: landmarks named more often show none; depends on how many queries there are
A rejected answer is written as "no landmark"; with --rejected last it keeps its landmark with a
confidence below all others, which the GAP never scores lower.

Several models: give --queries, --references and --nonlandmarks once for each, in the same order; the
photos must be the same. More references of one model, as an external labelled set: --extra, with
their table as a second --labels.

--tune searches all thresholds on the queries that a solution marks Public (or --tune-usage), prints
a table of what each step brings there and on the rest, and answers with the best.

Examples:
  cairn recognize --queries emb/test --references emb/train --labels gldv2/train/train.csv \
                  --out recognition.csv
  cairn recognize --queries emb/test --references emb/train --labels gldv2/train/train.csv \
                  --nonlandmarks emb/nonlandmark --detections detections.csv --max-per-landmark 20 \
                  --tune gldv2/test/recognition_solution_v2.1.csv --out recognition.csv
  cairn eval recognition --solution gldv2/test/recognition_solution_v2.1.csv \
                         --submission recognition.csv)";

struct Options {
  std::vector<std::string> queries;
  std::vector<std::string> references;
  std::vector<std::string> extra;
  std::vector<std::string> labels;
  std::vector<std::string> nonlandmarks;
  std::string detections;
  std::string tune;
  std::string tune_usage = "Public";
  std::string rejected = "empty";
  std::string out;
  bool quantile = false;
  size_t of_references = 5;
  size_t of_queries = 10;
  PostOptions post;
};

// One model's embeddings, and the landmarks of the references.
struct ModelSets {
  embed::EmbeddingSet queries;
  embed::EmbeddingSet references;
  std::vector<int64_t> landmarks;
  embed::EmbeddingSet nonlandmarks;
};

using Labels = std::unordered_map<std::string, int64_t>;

Labels read_tables(const std::vector<std::string>& tables) {
  Labels landmark_of;
  for (const std::string& table : tables) {
    for (dataset::Label& label : dataset::read_labels(table)) {
      const auto [known, fresh] = landmark_of.emplace(std::move(label.id), label.landmark);
      if (!fresh && known->second != label.landmark)
        throw Error(fmt::format("{}: photo {} is landmark {} here and {} in another table", table,
                                known->first, label.landmark, known->second));
    }
  }
  return landmark_of;
}

// Drops the references without a label, in place; returns the landmarks of those that stay.
std::vector<int64_t> keep_labelled(embed::EmbeddingSet& references, const Labels& landmark_of,
                                   const std::string& folder, const std::string& tables) {
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
    throw Error(tables + ": labels none of the photos of " + folder +
                "; give the table that belongs to the references");
  }
  if (without_label > 0) {
    log_warning(fmt::format("without a label in {}, and so without a vote: {} of {}", tables,
                            without_label, counted(without_label + landmarks.size(), "reference")));
  }
  if (without_embedding > 0) {
    log_warning(fmt::format("without an embedding in {}: {} of {}", folder, without_embedding,
                            counted(without_embedding + landmarks.size(), "label")));
  }
  return landmarks;
}

// Adds the rows of a set that the same model made to those of another folder.
void append(embed::EmbeddingSet& set, const std::string& its_folder, const std::string& folder) {
  const embed::EmbeddingSet more = embed::load_embeddings(folder);
  require_comparable(set, its_folder, more, folder);
  const std::unordered_set<std::string> known(set.ids.begin(), set.ids.end());
  for (const std::string& id : more.ids)
    if (known.contains(id)) throw Error(folder + ": photo " + id + " is among the references too");
  set.ids.insert(set.ids.end(), more.ids.begin(), more.ids.end());
  set.values.insert(set.values.end(), more.values.begin(), more.values.end());
}

void normalise_quantiles(ModelSets& sets) {
  if (sets.queries.size() == 0) return;
  const rank::QuantileTransform transform(sets.queries.values, sets.queries.dim);
  for (embed::EmbeddingSet* set : {&sets.queries, &sets.references, &sets.nonlandmarks})
    transform.apply(set->values);
}

ModelSets load_model(const Options& options, size_t m, const Labels& labels) {
  QueriesAndIndex loaded = load_queries_and_index(options.queries[m], options.references[m]);
  ModelSets sets{std::move(loaded.queries), std::move(loaded.index), {}, {}};
  for (size_t i = m; i < options.extra.size(); i += options.queries.size())
    append(sets.references, options.references[m], options.extra[i]);
  sets.landmarks = keep_labelled(sets.references, labels, options.references[m],
                                 fmt::format("{}", fmt::join(options.labels, ", ")));
  if (!options.nonlandmarks.empty()) {
    sets.nonlandmarks = load_queries_and_index(options.queries[m], options.nonlandmarks[m]).index;
  } else {
    sets.nonlandmarks.dim = sets.queries.dim;
  }
  if (options.quantile) normalise_quantiles(sets);
  return sets;
}

// Queries and non-landmarks of all models must be the same photos. Embedding folders are in id
// order, so the same photos are the same rows.
void require_same_photos(const std::vector<ModelSets>& models, const Options& options) {
  for (size_t m = 1; m < models.size(); ++m) {
    if (models[m].queries.ids != models[0].queries.ids)
      throw Error(options.queries[m] + " and " + options.queries[0] +
                  " hold different photos; embed the same queries with every model");
    if (models[m].nonlandmarks.ids != models[0].nonlandmarks.ids)
      throw Error(options.nonlandmarks[m] + " and " + options.nonlandmarks[0] +
                  " hold different photos; embed the same non-landmarks with every model");
  }
}

// The detections of each query, in their order.
std::vector<detect::PhotoDetections> detections_of(const std::vector<std::string>& queries,
                                                   const std::string& file) {
  if (file.empty()) return {};
  std::unordered_map<std::string, detect::PhotoDetections> by_id;
  for (detect::PhotoDetections& photo : detect::read_detections(file)) {
    const std::string id = photo.id;
    by_id.emplace(id, std::move(photo));
  }
  std::vector<detect::PhotoDetections> ordered(queries.size());
  size_t missing = 0;
  for (size_t q = 0; q < queries.size(); ++q) {
    const auto found = by_id.find(queries[q]);
    if (found != by_id.end())
      ordered[q] = std::move(found->second);
    else
      ++missing;
  }
  if (missing == queries.size() && missing > 0)
    throw Error(file + ": holds none of the queries; detect on the photos that were embedded");
  if (missing > 0)
    log_warning(fmt::format("not in {}, and so not filtered: {} of {}", file, missing,
                            counted(queries.size(), "query", "queries")));
  return ordered;
}

void check_counts(const Options& options) {
  const size_t models = options.queries.size();
  const auto fits = [&](size_t count) { return count == models; };
  if (!fits(options.references.size()) ||
      (!options.nonlandmarks.empty() && !fits(options.nonlandmarks.size())))
    throw Error(
        fmt::format("{} --queries, {} --references and {} --nonlandmarks: give each once "
                    "for every model",
                    models, options.references.size(), options.nonlandmarks.size()));
  if (options.extra.size() % models != 0)
    throw Error("--extra must be given once for every model, in the order of --queries");
}

PostOptions post_options(const Options& options) {
  PostOptions post = options.post;
  const bool penalise = !options.nonlandmarks.empty();
  post.penalty.of_references = penalise ? options.of_references : 0;
  post.penalty.of_queries = penalise ? options.of_queries : 0;
  post.filter_objects = !options.detections.empty();
  post.rejected = options.rejected == "last" ? rank::Rejected::kLast : rank::Rejected::kEmpty;
  return post;
}

void recognize_command(const Options& options) {
  check_counts(options);
  make_room_for(options.out);
  const Labels labels = read_tables(options.labels);
  std::vector<ModelSets> models;
  for (size_t m = 0; m < options.queries.size(); ++m)
    models.push_back(load_model(options, m, labels));
  require_same_photos(models, options);
  const std::vector<std::string>& queries = models[0].queries.ids;
  PostInputs inputs{{}, detections_of(queries, options.detections)};
  for (const ModelSets& sets : models)
    inputs.models.push_back({rows_of(sets.queries), rows_of(sets.references), sets.landmarks,
                             rows_of(sets.nonlandmarks)});
  PostOptions post = post_options(options);
  if (!options.tune.empty())
    post = tune(inputs, dataset::read_recognition_solution(options.tune),
                eval::parse_usage(options.tune_usage), post);
  const auto votes = answer(inputs, post);
  std::vector<eval::RecognitionAnswer> answers;
  size_t named = 0;
  for (size_t q = 0; q < votes.size(); ++q) {
    eval::RecognitionAnswer one{queries[q], std::nullopt, 0};
    if (votes[q]) one = {queries[q], votes[q]->landmark, votes[q]->confidence};
    named += votes[q] ? 1 : 0;
    answers.push_back(std::move(one));
  }
  eval::write_recognition_submission(options.out, answers);
  log_info(fmt::format("{}: {}, {}, {} named", options.out,
                       counted(answers.size(), "query", "queries"),
                       counted(models[0].landmarks.size(), "reference"), named));
}

}  // namespace

void declare_recognize(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--queries", options->queries, "embedding folder; once a model")
      ->option_text("EMB")
      ->required()
      ->allow_extra_args(false);
  app.add_option("--references", options->references,
                 "embedding folder of labelled photos; once a model")
      ->option_text("EMB")
      ->required()
      ->allow_extra_args(false);
  app.add_option("--extra", options->extra, "more references of the same model")
      ->option_text("EMB")
      ->allow_extra_args(false);
  app.add_option("--labels", options->labels,
                 "table id,landmark_id (train.csv) or landmark_id,images (train_clean.csv)")
      ->option_text("FILE")
      ->required()
      ->allow_extra_args(false);
  add_output(app, "--out", options->out, "submission to write")->required();
  app.add_option("--top-k", options->post.penalty.top_k, "references that vote")
      ->check(at_least(1))
      ->capture_default_str();
  app.add_option("--nonlandmarks", options->nonlandmarks,
                 "embedding folder of photos without a landmark; once a model")
      ->option_text("EMB")
      ->allow_extra_args(false);
  app.add_option("--penalty-references", options->of_references,
                 "nearest non-landmarks that lower a reference; 0: none")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_option("--penalty-queries", options->of_queries,
                 "nearest non-landmarks that lower a query's confidence; 0: none")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_flag("--quantile", options->quantile,
               "give every dimension a normal distribution, fitted on the queries, first");
  app.add_option("--detections", options->detections, "table of cairn detect")->option_text("FILE");
  app.add_option("--min-confidence", options->post.objects.confidence,
                 "objects below it do not count")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--max-box-area", options->post.objects.area_share,
                 "share of the photo that objects may cover")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_option("--max-per-landmark", options->post.limit,
                 "answers a landmark, above which all are rejected (the author's: 20); 0: any")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_option("--rejected", options->rejected, "what becomes of a rejected answer")
      ->check(CLI::IsMember({"empty", "last"}))
      ->capture_default_str();
  app.add_option("--tune", options->tune, "solution table to search the thresholds on")
      ->option_text("FILE")
      ->check(CLI::ExistingFile);
  app.add_option("--tune-usage", options->tune_usage, "its part to search on")
      ->check(CLI::IsMember({"Public", "Private"}))
      ->capture_default_str();
  add_threads(app, options->post.penalty.threads);
  app.callback([options] { recognize_command(*options); });
}

}  // namespace cairn::apps
