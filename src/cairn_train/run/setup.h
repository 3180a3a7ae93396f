// What a run starts from: its network, its photos, an earlier run's checkpoint.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "cairn_train/data/photo_store.h"
#include "cairn_train/data/sampler.h"
#include "cairn_train/data/training_set.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/run/checkpoint.h"
#include "cairn_train/run/distributed/ranks.h"
#include "cairn_train/run/recipe.h"
#include "cairn_train/run/teacher.h"

namespace cairn::run {

// The side that photos are kept at in memory: as large as any view or the teacher needs.
int stored_side(const Recipe& recipe);

std::vector<std::filesystem::path> paths_of(const data::TrainingSet& set);

// The recipe's network on its device, from its seed and the weights of `init`. Throws Error where
// none of those fits.
nn::EmbeddingNet make_net(const Recipe& recipe);

// The checkpoint to go on from, if there is one; with `fresh`, the earlier run's files are removed.
// Throws Error where it is of another recipe.
std::optional<Checkpoint> find_checkpoint(const std::filesystem::path& folder, const Recipe& recipe,
                                          bool fresh);

// Makes the folder and returns it.
std::filesystem::path made(const std::filesystem::path& folder);

// What all ranks must say alike: of a recipe, where and how fast they run may differ.
std::string agreement_of(const Recipe& recipe);

// The recipe's photos. Throws Error on every rank unless all have the same.
data::TrainingSet make_set(const Recipe& recipe, const Ranks& ranks);

// What the recipe's embedding teacher says of each photo, found by rank 0; empty without one.
TeacherTargets make_targets(const Recipe& recipe, const data::TrainingSet& set,
                            data::PhotoStore& store, int threads, const Ranks& ranks);

// The batches of an epoch. Throws Error where one is too small for the ranks to share.
int64_t count_batches(const Recipe& recipe, const data::Sampler& sampler, const Ranks& ranks);
int64_t steps_of(const Recipe& recipe, int64_t batches);

// The threads of this process: those of the recipe, or its share of the machine's cores.
int threads_of(const Recipe& recipe, const Ranks& ranks);

// The photos of an epoch: those with labels as often as oversampling wants, those without where
// something is to be learned from them. Throws Error for fewer than two.
std::vector<size_t> pool_of(const Recipe& recipe, const data::TrainingSet& set,
                            const TeacherTargets& targets);

}  // namespace cairn::run
