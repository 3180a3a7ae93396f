#include "cairn_train/run/dry_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "cairn/base/counted.h"
#include "cairn/base/thread_pool.h"
#include "cairn_train/data/loader.h"
#include "cairn_train/run/forward.h"
#include "cairn_train/run/objective.h"
#include "cairn_train/run/setup.h"
#include "cairn_train/run/stages.h"

namespace cairn::run {
namespace {

// Seconds of one step at a size: the median of three after one to warm up.
double time_step(nn::EmbeddingNet& net, Objective* objective, const Recipe& recipe,
                 const std::vector<size_t>& samples, int size) {
  using Clock = std::chrono::steady_clock;
  const auto count = static_cast<int64_t>(samples.size());
  const torch::Tensor images = torch::randn({count, 3, size, size});
  std::vector<double> times;
  for (int i = 0; i < 4; ++i) {
    const Clock::time_point started = Clock::now();
    const auto [features, embeddings] = forward_views(net, images, recipe.precision);
    const torch::Tensor loss =
        objective != nullptr
            ? objective->loss(embeddings, {samples, std::nullopt, images, 1, features})
            : embeddings.sum();
    loss.backward();
    times.push_back(std::chrono::duration<double>(Clock::now() - started).count());
  }
  std::sort(times.begin() + 1, times.end());
  return times[2];
}

std::string list_or(const std::vector<std::string>& names, const char* nothing) {
  return names.empty() ? nothing : fmt::format("{}", fmt::join(names, ", "));
}

// The photos of the pool that the recipe's sampler may draw.
size_t drawn_from(const std::vector<size_t>& pool, const data::TrainingSet& set,
                  const Recipe& recipe) {
  if (recipe.sampler.type == "shuffle") return pool.size();
  return static_cast<size_t>(
      std::ranges::count_if(pool, [&](size_t photo) { return set.samples[photo].landmark >= 0; }));
}

std::string class_table(const data::TrainingSet& set) {
  std::vector<int64_t> counts = set.photos_of_class;
  if (counts.empty()) return "";
  std::sort(counts.begin(), counts.end());
  return fmt::format("landmarks   {}; photos of each in an epoch: {} to {}, median {}\n",
                     counts.size(), counts.front(), counts.back(), counts[counts.size() / 2]);
}

}  // namespace

std::string describe_run(const Recipe& recipe) {
  const data::TrainingSet set = data::build_training_set(recipe.data, recipe.seed);
  // Whether the embedding teacher can read a photo is only known once it was asked.
  const TeacherTargets all{{}, std::vector<bool>(set.samples.size(), true)};
  const std::vector<size_t> pool = pool_of(recipe, set, all);
  torch::set_num_threads(resolve_threads(recipe.threads));
  std::string text = fmt::format(
      "photos      {} to train on, {} to validate with, {} without a landmark, {} missing on "
      "disk\n",
      drawn_from(pool, set, recipe), set.validation.size(), set.nonlandmark.size(),
      set.missing_ids.size());
  text += class_table(set);
  const data::Sampler sampler(recipe.sampler, set, pool, static_cast<size_t>(recipe.batch),
                              recipe.seed);
  const size_t batch = sampler.batch_size();
  const size_t batches = sampler.count();
  text +=
      fmt::format("steps       {} an epoch of {}, {} each\n",
                  (batches + recipe.accumulate - 1) / recipe.accumulate, counted(batch, "photo"),
                  counted(static_cast<uint64_t>(recipe.accumulate), "batch", "batches"));
  nn::EmbeddingNet net = make_net(recipe);
  net.train();
  const Ranks one_process;
  std::unique_ptr<Objective> objective;
  if (recipe.head.type != "none" || recipe.has_metric()) {
    Recipe alone = recipe;
    alone.distill.teacher.clear();
    objective = make_objective(alone, set, {}, one_process);
  }
  const std::vector<size_t> samples = sampler.batches(0)[0];
  text += fmt::format("\n{:<20} {:>7} {:>12} {:>7}  {:<44} {}\n", "stage", "epochs", "size",
                      "minutes", "transforms", "mixes");
  std::map<int, double> step_seconds;
  double whole = 0;
  int64_t epoch = 0;
  for (const StageOptions& stage : stages_of(recipe)) {
    double seconds = 0;
    const int first_size = plan_epoch(recipe, epoch).view.size;
    int last_size = first_size;
    for (int i = 0; i < stage.epochs; ++i, ++epoch) {
      last_size = plan_epoch(recipe, epoch).view.size;
      if (!step_seconds.contains(last_size))
        step_seconds[last_size] = time_step(net, objective.get(), recipe, samples, last_size);
      seconds += step_seconds[last_size] * static_cast<double>(batches);
    }
    const std::string size = first_size == last_size ? std::to_string(last_size)
                                                     : fmt::format("{}-{}", first_size, last_size);
    text +=
        fmt::format("{:<20} {:>7} {:>12} {:>7.1f}  {:<44} {}\n", stage.name, stage.epochs,
                    stage.resize > stage.size ? fmt::format("{} of {}", size, stage.resize) : size,
                    seconds / 60, list_or(stage.transforms, "none"), list_or(stage.mixes, "-"));
    whole += seconds;
  }
  return text + fmt::format("\nabout {:.1f} minutes of steps here, without validation{}\n",
                            whole / 60,
                            recipe.distill.teacher.empty() ? "" : " and the teacher's embeddings");
}

}  // namespace cairn::run
