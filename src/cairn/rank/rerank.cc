#include "cairn/rank/rerank.h"

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/search/kept_neighbours.h"

namespace cairn::rank {
namespace {

using OnDone = std::function<void(size_t)>;

OnDone begin_step(const RerankOptions& options, const std::string& name, size_t total) {
  return options.on_step ? options.on_step(name, total) : OnDone();
}

// The features that similarities are taken from.
struct Features {
  std::vector<float> queries;
  std::vector<float> index;
};

search::Rows with_values(const search::Rows& rows, const std::vector<float>& values) {
  return {values.empty() ? rows.values : std::span<const float>(values), rows.ids, rows.dim};
}

Features diffuse_both(const RerankModel& model, const RerankOptions& options) {
  std::vector<float> values(model.queries.values.begin(), model.queries.values.end());
  values.insert(values.end(), model.index.values.begin(), model.index.values.end());
  std::vector<std::string> ids;  // in the order of the rows
  for (const std::string& id : model.queries.ids) ids.push_back("0" + id);
  for (const std::string& id : model.index.ids) ids.push_back("1" + id);
  const std::vector<float> diffused = diffuse({values, ids, model.queries.dim}, options.diffusion);
  const auto middle = diffused.begin() + static_cast<std::ptrdiff_t>(model.queries.values.size());
  return {{diffused.begin(), middle}, {middle, diffused.end()}};
}

std::filesystem::path file_beside(const Beside& beside, const char* name) {
  return beside.folder.empty() ? std::filesystem::path() : beside.folder / name;
}

// One model's similarities before tags.
Similarities similarities_of(const RerankModel& model, const RerankOptions& options) {
  Features features;
  if (options.diffusion.iterations > 0) {
    begin_step(options, "diffusion", 0);
    features = diffuse_both(model, options);
  }
  const search::Rows index = with_values(model.index, features.index);
  const Beside beside = features.index.empty() ? model.beside_index : Beside();
  if (options.expansion.photos > 0) {
    begin_step(options, "query expansion", 0);
    features.queries =
        expand_queries(with_values(model.queries, features.queries),
                       search::ExactIndex(index, options.threads, beside.index), options.expansion);
  }
  const search::Rows queries = with_values(model.queries, features.queries);
  if (options.k_reciprocal == KReciprocal::kNone)
    return cosine_similarities(queries, index, options.threads);
  if (options.k_reciprocal == KReciprocal::kFast) {
    FastKReciprocalOptions fast = options.fast;
    fast.on_done = begin_step(options, "k-reciprocal", queries.count());
    fast.keep = file_beside(beside, search::kNeighboursFile);
    return fast_k_reciprocal_similarities(
        queries, search::ExactIndex(index, options.threads, beside.index), fast);
  }
  begin_step(options, "k-reciprocal", 0);
  Similarities all = k_reciprocal_distances(queries, index, options.full);
  for (float& value : all.values) value = 1 - value;
  return all;
}

// One model's tags of queries and index photos.
struct Tags {
  std::vector<QueryTags> queries;
  PhotoTags photos;
};

std::vector<QueryTags> single_tags(const std::vector<ScoredTag>& landmarks,
                                   const std::vector<ScoredTag>& countries) {
  std::vector<QueryTags> tags;
  for (size_t q = 0; q < landmarks.size(); ++q) {
    tags.push_back({{{landmarks[q].tag, 1}}, {}});
    if (!countries.empty()) tags.back().countries = {{countries[q].tag, 1}};
  }
  return tags;
}

std::vector<QueryTags> tags_by_mean(const RerankModel& model, const search::Rows& rows,
                                    std::span<const int64_t> landmarks,
                                    std::span<const int64_t> countries, int threads) {
  std::vector<ScoredTag> of_countries;
  if (!countries.empty()) of_countries = nearest_mean_tags(model.queries, rows, countries, threads);
  return single_tags(nearest_mean_tags(model.queries, rows, landmarks, threads), of_countries);
}

std::vector<QueryTags> tag_queries_of(const RerankModel& model, const References& references,
                                      const PhotoTags& photos, const RerankOptions& options) {
  const auto begin = [&] { return begin_step(options, "tagging queries", model.queries.count()); };
  switch (options.tag_by) {
    case TagBy::kKReciprocal: {
      FastKReciprocalOptions tagging = options.tagging;
      tagging.on_done = begin();
      tagging.keep = file_beside(model.beside_references, search::kNeighboursFile);
      return tag_queries(model.queries, references, options.tags, tagging);
    }
    case TagBy::kCosine: {
      std::vector<QueryTags> tags;
      const search::SearchOptions search{
          .top = options.tags, .threads = options.threads, .on_done = begin()};
      for (const auto& hits : references.rows->search(model.queries, search))
        tags.push_back(tags_of_hits(hits, references, options.tags));
      return tags;
    }
    case TagBy::kMean:
      return tags_by_mean(model, model.references, model.landmarks, model.countries,
                          options.threads);
    case TagBy::kIndexMean:
      return tags_by_mean(model, model.index, photos.landmarks, photos.countries, options.threads);
    case TagBy::kIndex:
      break;
  }
  const search::ExactIndex index(model.index, options.threads, model.beside_index.index);
  std::vector<ScoredTag> countries;
  if (!photos.countries.empty())
    countries = nearest_row_tags(model.queries, index, photos.countries, options.threads);
  return single_tags(nearest_row_tags(model.queries, index, photos.landmarks, options.threads),
                     countries);
}

Tags tags_of(const RerankModel& model, const References& references, const RerankOptions& options) {
  Tags tags;
  const OnDone on_done = begin_step(options, "tagging the index", model.index.count());
  tags.photos =
      tag_photos(model.index, references, {.threads = options.threads, .on_done = on_done},
                 file_beside(model.beside_index, search::kNearestFile));
  tags.queries = tag_queries_of(model, references, tags.photos, options);
  return tags;
}

ScoredTag best_tag(const QueryTags& tags) {
  CAIRN_ASSERT(!tags.landmarks.empty());
  return *std::max_element(
      tags.landmarks.begin(), tags.landmarks.end(),
      [](const ScoredTag& a, const ScoredTag& b) { return a.score < b.score; });
}

void apply_tags(Similarities& similarities, const Tags& tags, const RerankOptions& options) {
  if (options.method == TagMethod::kLandmarkCountry)
    return add_bonus(similarities, similarities, tags.queries, tags.photos, options.bonus);
  std::vector<int64_t> queries;
  for (const QueryTags& query : tags.queries) queries.push_back(best_tag(query).tag);
  rerank_by_category(similarities, queries, tags.photos.landmarks, options.threads);
}

// Tags of all models on the sum of similarities.
void apply_after(Similarities& sum, std::span<const RerankModel> models,
                 const std::vector<Tags>& tags, const RerankOptions& options) {
  if (options.method == TagMethod::kLandmarkCountry) {
    // The threshold looks at what the models said, not at the bonuses of the models before.
    const Similarities basis = options.bonus.threshold ? sum : Similarities();
    for (const Tags& its : tags)
      add_bonus(sum, options.bonus.threshold ? basis : sum, its.queries, its.photos, options.bonus);
    return;
  }
  std::vector<double> weights;
  for (const RerankModel& model : models) weights.push_back(model.weight);
  const auto merged = [&](size_t count, const auto& tag_of) {
    std::vector<int64_t> result;
    for (size_t i = 0; i < count; ++i) {
      std::vector<ScoredTag> of_models;
      for (const Tags& its : tags) of_models.push_back(tag_of(its, i));
      result.push_back(merge_tags(of_models, weights, false));
    }
    return result;
  };
  const auto queries =
      merged(sum.queries, [](const Tags& its, size_t q) { return best_tag(its.queries[q]); });
  const auto photos = merged(sum.photos, [](const Tags& its, size_t i) {
    return ScoredTag{its.photos.landmarks[i], 1};
  });
  rerank_by_category(sum, queries, photos, options.threads);
}

void check(std::span<const RerankModel> models, const RerankOptions& options) {
  CAIRN_ASSERT(!models.empty());
  for (const RerankModel& model : models) {
    CAIRN_ASSERT(std::ranges::equal(model.queries.ids, models[0].queries.ids));
    CAIRN_ASSERT(std::ranges::equal(model.index.ids, models[0].index.ids));
    CAIRN_ASSERT(model.landmarks.size() == model.references.count());
    if (options.method != TagMethod::kNone && model.references.count() == 0)
      throw Error("re-ranking by landmarks needs labelled references: --references and --labels");
  }
}

}  // namespace

Similarities reranked_similarities(std::span<const RerankModel> models,
                                   const RerankOptions& requested) {
  check(models, requested);
  RerankOptions options = requested;
  for (int* threads : {&options.diffusion.threads, &options.expansion.threads,
                       &options.full.threads, &options.fast.threads, &options.tagging.threads})
    *threads = options.threads;
  Similarities sum;
  std::vector<Tags> tags;
  for (const RerankModel& model : models) {
    Similarities its = similarities_of(model, options);
    if (options.method != TagMethod::kNone) {
      const search::ExactIndex rows(model.references, options.threads,
                                    model.beside_references.index);
      const References references{&rows, model.landmarks, model.countries};
      if (options.method == TagMethod::kCategoryExpansion) {
        rerank_by_category_expansion(its, model.queries, model.index, references,
                                     {options.tags, options.expansion_similarity, options.threads});
      } else {
        tags.push_back(tags_of(model, references, options));
        if (options.before_merge) apply_tags(its, tags.back(), options);
      }
    }
    if (sum.values.empty()) sum = Similarities(its.queries, its.photos);
    add_weighted(sum, its, model.weight);
  }
  if (!options.before_merge && !tags.empty()) apply_after(sum, models, tags, options);
  return sum;
}

std::vector<std::vector<search::Hit>> rerank(std::span<const RerankModel> models,
                                             const RerankOptions& options) {
  return best_photos(reranked_similarities(models, options), models[0].index.ids, options.top,
                     options.threads);
}

}  // namespace cairn::rank
