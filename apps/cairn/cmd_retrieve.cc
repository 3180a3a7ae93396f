// cairn retrieve: the most similar index photos of each query, re-ranked if wanted, as a Kaggle
// submission.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/progress.h"
#include "cairn/eval/submission.h"
#include "cairn/rank/rerank.h"
#include "commands.h"
#include "embeddings.h"
#include "numbers.h"
#include "output.h"
#include "reference_labels.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes a submission id,images: for each query the ids of its most similar index photos, best first,
separated by spaces. The search is exact (but with --approximate); equal similarities are ordered
by id.

Re-ranking (--rerank):
  k-reciprocal        photos that are among each other's nearest count more (Zhong et al. 2017)
  landmark-country    labelled references tell what queries and index photos show: a query is tagged
                      by its --tags best references, an index photo by its nearest; photos of the
                      query's landmark gain --alpha, of its country --beta (Zhang et al. 2021)
  both                landmark-country on the similarities of k-reciprocal
  category            photos of the query's landmark first, then the others
  category-expansion  photos first that resemble any reference of the query's landmarks
Before it, features can be diffused over nearest neighbours (--diffuse) and queries averaged with
their best photos (--expand-queries). Tags come from the features as they are in the folders.

--k-reciprocal fast looks at a query's nearest photos and the nearest of each (k1 10, k2 3, lambda
0.5), full at all queries and photos (20, 6, 0.3), cosine is full with distances that are not scaled.
Labels without --country, tables of `cairn lists` aside, tag landmarks only.

What takes long for many photos is kept: the neighbours of references and index photos that were found
stand in neighbours.cairn and nearest.cairn in their folders, and later runs find them there while
the embeddings stay as they are. --keep-nothing leaves the folders alone.

Several models: give --queries, --index and --references once for each, in the same order; the photos
must be the same. Their similarities are added with --weights; --merge says whether tags change them
before or after.

Examples:
  cairn retrieve --queries emb/test --index emb/index --out retrieval.csv
  cairn retrieve --queries emb/test --index emb/index --references emb/train \
                 --labels gldv2/train/train.csv --country gldv2/country --rerank landmark-country \
                 --out retrieval.csv
  cairn retrieve --queries a/test --queries b/test --index a/index --index b/index \
                 --references a/train --references b/train --weights 1,0.7 \
                 --labels lists/clean.csv --rerank both --out retrieval.csv
  cairn retrieve --queries emb/test --index emb/index --approximate --out quick.csv
  cairn eval retrieval --solution gldv2/test/retrieval_solution_v2.1.csv --submission retrieval.csv)";

using rank::KReciprocal;
using rank::TagBy;
using rank::TagMethod;

struct Options {
  std::vector<std::string> queries;
  std::vector<std::string> index;
  std::vector<std::string> references;
  std::vector<double> weights;
  LabelSources labels;
  std::string rerank = "none";
  std::string k_reciprocal = "fast";
  std::optional<size_t> k1, k2;
  std::optional<double> lambda;
  std::string tag_by;
  std::string merge = "before";
  std::string out;
  bool keep_nothing = false;
  Approximation approximation;
  rank::RerankOptions ranking;
};

const std::map<std::string, TagBy> kTagBy = {{"k-reciprocal", TagBy::kKReciprocal},
                                             {"cosine", TagBy::kCosine},
                                             {"mean", TagBy::kMean},
                                             {"index-mean", TagBy::kIndexMean},
                                             {"index", TagBy::kIndex}};
const std::map<std::string, TagMethod> kMethods = {
    {"none", TagMethod::kNone},
    {"k-reciprocal", TagMethod::kNone},
    {"landmark-country", TagMethod::kLandmarkCountry},
    {"both", TagMethod::kLandmarkCountry},
    {"category", TagMethod::kCategory},
    {"category-expansion", TagMethod::kCategoryExpansion}};

// One model's embeddings.
struct ModelSets {
  embed::MappedEmbeddings queries;
  embed::MappedEmbeddings index;
  LabelledRows references;
  std::unique_ptr<const search::StoredIndex> of_index = nullptr;
  std::unique_ptr<const search::StoredIndex> of_references = nullptr;  // if all have labels
};

void check(const Options& options) {
  const size_t models = options.queries.size();
  if (options.index.size() != models)
    throw Error(fmt::format("{} --queries and {} --index: give each once for every model", models,
                            options.index.size()));
  if (!options.weights.empty() && options.weights.size() != models)
    throw Error(fmt::format("{} --weights for {}: give one for each, as 1,0.7",
                            options.weights.size(), counted(models, "model")));
  if (!options.weights.empty() &&
      std::ranges::count(options.weights, 0) == std::ssize(options.weights))
    throw Error("--weights: one of them must be above 0");
  if (kMethods.at(options.rerank) == TagMethod::kNone) return;
  if (options.references.size() != models || options.labels.tables.empty())
    throw Error(fmt::format("--rerank {} needs --references once for every model, and --labels",
                            options.rerank));
}

void require_photos(const std::string& index, size_t photos) {
  if (photos == 0) throw Error(index + ": holds no embeddings to search in");
}

ModelSets load_model(const Options& options, size_t m, const ReferenceLabels* labels) {
  ModelSets sets{
      embed::map_embeddings(options.queries[m]), embed::map_embeddings(options.index[m]), {}};
  require_comparable(sets.queries, options.queries[m], sets.index, options.index[m]);
  sets.of_index = stored_index_of(options.index[m]);
  if (labels == nullptr) return sets;
  auto references = embed::map_embeddings(options.references[m]);
  require_comparable(sets.queries, options.queries[m], references, options.references[m]);
  sets.references = label_rows(std::move(references), *labels, options.references[m]);
  if (sets.references.landmarks.size() == sets.references.all.size())
    sets.of_references = stored_index_of(options.references[m]);
  return sets;
}

void require_same_photos(const std::vector<ModelSets>& models, const Options& options) {
  for (size_t m = 1; m < models.size(); ++m) {
    const auto require = [&](const embed::MappedEmbeddings ModelSets::*set,
                             const std::vector<std::string>& folders) {
      if ((models[m].*set).ids != (models[0].*set).ids)
        throw Error(folders[m] + " and " + folders[0] +
                    " hold different photos; embed the same photos with every model");
    };
    require(&ModelSets::queries, options.queries);
    require(&ModelSets::index, options.index);
  }
}

rank::RerankOptions ranking_options(const Options& options) {
  rank::RerankOptions ranking = options.ranking;
  ranking.method = kMethods.at(options.rerank);
  if (!options.tag_by.empty())
    ranking.tag_by = kTagBy.at(options.tag_by);
  else if (ranking.method == TagMethod::kCategory)
    ranking.tag_by = TagBy::kCosine;
  ranking.before_merge = options.merge == "before";
  const bool full = options.k_reciprocal != "fast";
  if (options.rerank == "k-reciprocal" || options.rerank == "both")
    ranking.k_reciprocal = full ? KReciprocal::kFull : KReciprocal::kFast;
  ranking.full.scaled = options.k_reciprocal != "cosine";
  const auto set = [&](auto& numbers) {
    numbers.k1 = options.k1.value_or(numbers.k1);
    numbers.k2 = options.k2.value_or(numbers.k2);
    numbers.lambda = options.lambda.value_or(numbers.lambda);
  };
  if (full && ranking.k_reciprocal != KReciprocal::kNone)
    set(ranking.full);
  else
    set(ranking.fast);
  ranking.tagging = ranking.fast;
  ranking.on_step = [](const std::string& name, size_t photos) -> std::function<void(size_t)> {
    if (photos == 0) {
      log_info(name);
      return {};
    }
    const auto progress = std::make_shared<Progress>(name, "photos", photos);
    return [progress](size_t done) { progress->advance(done); };
  };
  return ranking;
}

bool changes_nothing(const rank::RerankOptions& ranking, size_t models) {
  return models == 1 && ranking.method == TagMethod::kNone &&
         ranking.k_reciprocal == KReciprocal::kNone && ranking.diffusion.iterations == 0 &&
         ranking.expansion.photos == 0;
}

std::vector<std::vector<search::Hit>> ranked_lists(const std::vector<ModelSets>& sets,
                                                   const Options& options) {
  std::vector<rank::RerankModel> models;
  for (const ModelSets& its : sets) {
    const size_t m = models.size();
    const double weight = options.weights.empty() ? 1 : options.weights[m];
    rank::RerankModel model{rows_of(its.queries),     rows_of(its.index),
                            its.references.rows(),    its.references.landmarks,
                            its.references.countries, weight};
    model.beside_index.index = its.of_index.get();
    model.beside_references.index = its.of_references.get();
    if (!options.keep_nothing) {
      model.beside_index.folder = options.index[m];
      if (m < options.references.size()) model.beside_references.folder = options.references[m];
    }
    models.push_back(std::move(model));
  }
  return rank::rerank(models, ranking_options(options));
}

template <typename IdOf>
void write_answers(const Options& options, const std::vector<std::string>& queries,
                   const std::vector<std::vector<search::Hit>>& results, size_t photos,
                   const IdOf& id_of) {
  std::vector<eval::RetrievalAnswer> answers;
  for (size_t q = 0; q < results.size(); ++q) {
    eval::RetrievalAnswer answer{queries[q], {}};
    for (const search::Hit& hit : results[q]) answer.images.push_back(id_of(hit.row));
    answers.push_back(std::move(answer));
  }
  eval::write_retrieval_submission(options.out, answers);
  log_info(fmt::format("{}: {} in {}", options.out, counted(answers.size(), "query", "queries"),
                       counted(photos, "index photo")));
}

void search_alone(const Options& options) {
  const PlainSearch sets =
      open_queries_and_index(options.queries[0], options.index[0], options.approximation);
  require_photos(options.index[0], sets.index.size());
  const auto results = sets.index.search(
      rows_of(sets.queries),
      search_options(options.ranking.top, options.ranking.threads, sets.queries.size()));
  write_answers(options, sets.queries.ids, results, sets.index.size(),
                [&](size_t row) { return sets.index.id(row); });
}

void retrieve_command(const Options& options) {
  check(options);
  make_room_for(options.out);
  if (changes_nothing(ranking_options(options), options.queries.size()))
    return search_alone(options);
  if (options.approximation.on)
    throw Error("--approximate is for one model without re-ranking, which is exact");
  std::vector<ModelSets> sets;
  {
    std::unique_ptr<ReferenceLabels> labels;
    if (kMethods.at(options.rerank) != TagMethod::kNone) {
      labels = std::make_unique<ReferenceLabels>(options.labels);
      if (!labels->has_countries()) log_info("no --country: landmarks alone re-rank");
    }
    for (size_t m = 0; m < options.queries.size(); ++m)
      sets.push_back(load_model(options, m, labels.get()));
  }
  require_same_photos(sets, options);
  require_photos(options.index[0], sets[0].index.size());
  for (const std::string& id : sets[0].index.ids) eval::require_image_id(id, options.out);
  write_answers(options, sets[0].queries.ids, ranked_lists(sets, options), sets[0].index.size(),
                [&](size_t row) { return sets[0].index.ids[row]; });
}

void declare_features(CLI::App& app, rank::RerankOptions& ranking) {
  app.add_option("--expand-queries", ranking.expansion.photos,
                 "average each query with so many of its best photos")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_option("--expand-alpha", ranking.expansion.alpha,
                 "photos count similarity^A: 0 alike, 3 as in Radenović et al. 2018")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_option("--diffuse", ranking.diffusion.iterations, "rounds of diffusion")
      ->check(between(0, 1000))
      ->capture_default_str();
  app.add_option("--diffuse-neighbours", ranking.diffusion.neighbours, "of each photo")
      ->check(at_least(1))
      ->capture_default_str();
  app.add_flag("--diffuse-least-similar", ranking.diffusion.least_similar,
               "diffuse over the least similar photos, as the reference code does by mistake");
}

void declare_tags(CLI::App& app, Options& options) {
  app.add_option("--references", options.references,
                 "embedding folder of labelled photos; once a model")
      ->option_text("EMB")
      ->allow_extra_args(false);
  app.add_option("--labels", options.labels.tables,
                 "train.csv, train_clean.csv or a table of cairn lists")
      ->option_text("FILE")
      ->allow_extra_args(false);
  app.add_option("--country", options.labels.countries, "folder of country files")
      ->option_text("DIR");
  app.add_option("--categories", options.labels.categories,
                 "table landmark_id,category [train_label_to_category.csv beside --labels]")
      ->option_text("FILE");
  app.add_option("--alpha", options.ranking.bonus.alpha, "bonus of the query's landmark")
      ->check(any_number())
      ->capture_default_str();
  app.add_option("--beta", options.ranking.bonus.beta, "bonus of its country")
      ->check(any_number())
      ->capture_default_str();
  app.add_option("--tags", options.ranking.tags, "references that tag a query")
      ->check(at_least(1))
      ->capture_default_str();
  app.add_option("--tag-by", options.tag_by,
                 "what finds them, or else the nearest mean of a landmark's references or index "
                 "photos, or the nearest index photo [k-reciprocal; category: cosine]")
      ->check(CLI::IsMember(names_of(kTagBy)));
  app.add_option("--sim-threshold", options.ranking.bonus.threshold,
                 "photos less similar to the query get no bonus")
      ->check(any_number());
  app.add_option("--expansion-similarity", options.ranking.expansion_similarity,
                 "to a reference, of category-expansion")
      ->check(any_number())
      ->capture_default_str();
}

void declare_keeping(CLI::App& app, Options& options) {
  app.add_flag("--keep-nothing", options.keep_nothing,
               "neither use nor write neighbours.cairn and nearest.cairn");
}

void declare_k_reciprocal(CLI::App& app, Options& options) {
  app.add_option("--k-reciprocal", options.k_reciprocal, "variant, see below")
      ->check(CLI::IsMember({"fast", "full", "cosine"}))
      ->capture_default_str();
  app.add_option("--k1", options.k1, "neighbours that must be mutual")->check(at_least(1));
  app.add_option("--k2", options.k2, "descriptions that are averaged")->check(at_least(1));
  app.add_option("--lambda", options.lambda, "share of the original distance")
      ->check(between(0.0, 1.0));
  app.add_option("--neighbours", options.ranking.fast.neighbours,
                 "of fast: of a query, and of each")
      ->check(at_least(1))
      ->capture_default_str();
}

}  // namespace

void declare_retrieve(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--queries", options->queries, "embedding folder; once a model")
      ->option_text("EMB")
      ->required()
      ->allow_extra_args(false);
  app.add_option("--index", options->index, "embedding folder; once a model")
      ->option_text("EMB")
      ->required()
      ->allow_extra_args(false);
  add_output(app, "--out", options->out, "submission to write")->required();
  app.add_option("--top", options->ranking.top, "images a query")
      ->check(between(1, eval::kSubmittedImages))
      ->capture_default_str();
  add_threads(app, options->ranking.threads);
  app.add_option("--rerank", options->rerank, "re-ranking method, see below")
      ->check(CLI::IsMember(names_of(kMethods)))
      ->capture_default_str();
  app.add_option("--weights", options->weights, "of the models, as 1,0.7 [1 each]")
      ->delimiter(',')
      ->check(at_least(0))
      ->allow_extra_args(false);
  app.add_option("--merge", options->merge, "tags change similarities before or after models merge")
      ->check(CLI::IsMember({"before", "after"}))
      ->capture_default_str();
  declare_tags(app, *options);
  declare_k_reciprocal(app, *options);
  declare_keeping(app, *options);
  declare_features(app, options->ranking);
  declare_approximation(app, options->approximation);
  app.callback([options] { retrieve_command(*options); });
}

}  // namespace cairn::apps
