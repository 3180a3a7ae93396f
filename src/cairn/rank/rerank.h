// The whole of re-ranking: several models' embeddings in, a ranked list for each query out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cairn/rank/category.h"
#include "cairn/rank/diffusion.h"
#include "cairn/rank/k_reciprocal.h"
#include "cairn/rank/landmark_country.h"
#include "cairn/rank/query_expansion.h"

namespace cairn::rank {

// What lies beside a set of rows in its folder.
struct Beside {
  const search::StoredIndex* index = nullptr;  // of exactly these rows
  std::filesystem::path folder = {};           // for lists of neighbours; empty: none are kept
};

// One model's view of the photos. Queries and index have the same ids, in the same order, in every
// model; references are its own.
struct RerankModel {
  search::Rows queries;
  search::Rows index;
  search::Rows references = {};             // may be empty where no method asks for tags
  std::span<const int64_t> landmarks = {};  // one a reference; below 0: none
  std::span<const int64_t> countries = {};  // one a reference, or empty; below 0: unknown
  double weight = 1;                        // of its similarities in the sum
  Beside beside_index = {};
  Beside beside_references = {};
};

enum class KReciprocal { kNone, kFast, kFull };
enum class TagMethod { kNone, kLandmarkCountry, kCategory, kCategoryExpansion };

// How queries are tagged.
enum class TagBy {
  kKReciprocal,  // the best references by fast_k_reciprocal
  kCosine,       // the most similar references
  kMean,         // the nearest mean of the references of a tag
  kIndexMean,    // the nearest mean of the index photos of a tag
  kIndex,        // the most similar index photo's tag
};

struct RerankOptions {
  // Features, of each model.
  DiffusionOptions diffusion{.iterations = 0};  // over queries and index together
  ExpansionOptions expansion = {};
  // Similarities.
  KReciprocal k_reciprocal = KReciprocal::kNone;
  KReciprocalOptions full = {};
  FastKReciprocalOptions fast = {};
  // Tags; tagging uses the features as they came.
  TagMethod method = TagMethod::kNone;
  TagBy tag_by = TagBy::kKReciprocal;
  size_t tags = 3;  // references that tag a query
  FastKReciprocalOptions tagging = {};
  BonusOptions bonus = {};
  double expansion_similarity = 0.6;  // see CategoryExpansionOptions
  // Tags change each model's similarities before they are added up, or the sum, model after model
  // (category re-ranking: once, by the models' merged tags).
  bool before_merge = true;
  size_t top = 100;
  int threads = 0;  // of every step
  // Called when a step begins, with its name and how many photos it works on, 0 where it does not
  // count them; what it returns is told about photos that are done.
  std::function<std::function<void(size_t)>(const std::string&, size_t)> on_step = {};
};

// The `top` index photos of each query by falling similarity, equal ones by rising id. Throws Error
// where rows do not fit each other.
std::vector<std::vector<search::Hit>> rerank(std::span<const RerankModel> models,
                                             const RerankOptions& options);

// The similarities that it ranks by.
Similarities reranked_similarities(std::span<const RerankModel> models,
                                   const RerankOptions& options);

}  // namespace cairn::rank
