#include "cairn_train/run/setup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/thread_pool.h"
#include "cairn_train/nn/checkpoint_keys.h"
#include "cairn_train/nn/layers.h"
#include "cairn_train/nn/stored_weights.h"
#include "cairn_train/nn/weights.h"
#include "cairn_train/run/distributed/across_ranks.h"
#include "cairn_train/run/forward.h"
#include "cairn_train/run/stages.h"

namespace cairn::run {

namespace fs = std::filesystem;

// The side that photos are kept at in memory: as large as any view or the teacher needs.
int stored_side(const Recipe& recipe) {
  const int teacher = recipe.distill.teacher.empty() ? 0 : teacher_size(recipe.distill);
  return std::max(largest_side(recipe), 2 * teacher);
}

std::vector<fs::path> paths_of(const data::TrainingSet& set) {
  std::vector<fs::path> paths;
  for (const data::Sample& sample : set.samples) paths.push_back(sample.path);
  return paths;
}

nn::EmbeddingNet make_net(const Recipe& recipe) {
  torch::manual_seed(recipe.seed);
  nn::EmbeddingNet net(recipe.model);
  net.to(choose_device(recipe.device));
  keep_channels_last(net);
  if (recipe.freeze_batch_norms) nn::freeze_batch_norms(net);
  if (recipe.init.empty()) return net;
  nn::NamedTensors tensors = nn::renamed_for(net, nn::load_weights(recipe.init).tensors);
  nn::LoadReport report = nn::load_state(net, nn::with_pooled_shortcuts(net, std::move(tensors)),
                                         nn::Strictness::kLenient);
  std::erase_if(report.missing, nn::is_unused_key);
  std::erase_if(report.unexpected, nn::is_unused_key);
  // The classifier: see carry_over_head.
  nn::forgive(report, {nn::kHeadPrefix, "classifier.", "fc."});
  if (report.loaded == 0)
    throw Error(fmt::format("{}: none of its tensors fits the network ({})", recipe.init,
                            report.summary()));
  if (report.complete())
    log_info(fmt::format("{}: {}", recipe.init, report.summary()));
  else
    log_warning(fmt::format("{}: {}", recipe.init, report.summary()));
  return net;
}

// The checkpoint to go on from, if there is one; with `fresh`, the earlier run's files are removed.
std::optional<Checkpoint> find_checkpoint(const fs::path& folder, const Recipe& recipe,
                                          bool fresh) {
  if (fresh) {
    for (const char* name : {"checkpoint.safetensors", "best.safetensors", "weights.safetensors",
                             "model.onnx", "curves.csv", "tensorboard", "samples"})
      fs::remove_all(folder / name);
    return std::nullopt;
  }
  std::optional<Checkpoint> saved = load_checkpoint(folder);
  const std::string difference = saved ? recipe_difference(saved->recipe, recipe) : "";
  if (!difference.empty())
    throw Error(
        fmt::format("{} holds a run of another recipe ({}); choose another out, or start over with "
                    "--fresh",
                    folder.string(), difference));
  return saved;
}

fs::path made(const fs::path& folder) {
  make_folder(folder);
  return folder;
}

std::string agreement_of(const Recipe& recipe) {
  return fmt::format("{}{} {} {} {} {}", portable_recipe_yaml(recipe), recipe.head.split,
                     recipe.distributed.batch_norm, recipe.distributed.bucket_mb,
                     recipe.checkpoint.steps, choose_device(recipe.device).is_cpu());
}

data::TrainingSet make_set(const Recipe& recipe, const Ranks& ranks) {
  data::TrainingSet set = data::build_training_set(recipe.data, recipe.seed);
  if (ranks.alone()) return set;
  std::string text;
  for (const data::Sample& sample : set.samples)
    text += fmt::format("{} {} {}\n", sample.id, sample.landmark, sample.class_index);
  for (const auto* part :
       {&set.epoch_samples, &set.validation, &set.references, &set.unlabelled, &set.nonlandmark})
    text += fmt::format("{}\n", fmt::join(*part, " "));
  require_agreement(ranks, fmt::format("set of photos ({})", recipe.data.root), text);
  return set;
}

TeacherTargets make_targets(const Recipe& recipe, const data::TrainingSet& set,
                            data::PhotoStore& store, int threads, const Ranks& ranks) {
  if (recipe.distill.teacher.empty()) return {};
  TeacherTargets targets;
  ranks.first_does([&] {
    targets = teacher_targets(recipe.distill, paths_of(set), store, recipe.model.embedding_dim,
                              threads, recipe.out);
  });
  if (!ranks.first())
    targets.rows = torch::empty({static_cast<int64_t>(store.size()), recipe.model.embedding_dim});
  ranks.from_first(targets.rows);
  const std::string usable =
      ranks.from_first(std::string(targets.usable.begin(), targets.usable.end()));
  targets.usable.assign(usable.begin(), usable.end());
  return targets;
}

int64_t count_batches(const Recipe& recipe, const data::Sampler& sampler, const Ranks& ranks) {
  // One photo has no variance.
  const bool local = !ranks.alone() && recipe.distributed.batch_norm == "local";
  const size_t least = static_cast<size_t>(ranks.world()) * (local ? 2 : 1);
  if (sampler.batch_size() < least)
    throw Error(fmt::format(
        "batch: {} photos cannot be shared among {} processes{}", sampler.batch_size(),
        ranks.world(), local ? " with batch norms of their own (distributed.batch_norm)" : ""));
  return static_cast<int64_t>(sampler.count());
}

int64_t steps_of(const Recipe& recipe, int64_t batches) {
  return (batches + recipe.accumulate - 1) / recipe.accumulate;
}

int threads_of(const Recipe& recipe, const Ranks& ranks) {
  const int threads = resolve_threads(recipe.threads);
  return recipe.threads > 0 ? threads : std::max(1, threads / ranks.place().local_world);
}

// The photos of an epoch: those with labels as often as oversampling wants, those without where
// something is to be learned from them.
std::vector<size_t> pool_of(const Recipe& recipe, const data::TrainingSet& set,
                            const TeacherTargets& targets) {
  std::vector<size_t> pool = set.epoch_samples;
  if (!recipe.distill.teacher.empty()) {
    pool.insert(pool.end(), set.unlabelled.begin(), set.unlabelled.end());
    std::erase_if(pool, [&](size_t i) { return !targets.usable[i]; });
  }
  if (recipe.head.type != "none")
    pool.insert(pool.end(), set.nonlandmark.begin(), set.nonlandmark.end());
  if (pool.size() < 2) throw Error("training needs at least two photos that can be read");
  return pool;
}

}  // namespace cairn::run
