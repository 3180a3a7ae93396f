#include "cairn_train/run/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/progress.h"
#include "cairn/base/thread_pool.h"
#include "cairn_train/data/loader.h"
#include "cairn_train/nn/weights.h"
#include "cairn_train/optim/schedule.h"
#include "cairn_train/run/forward.h"
#include "cairn_train/run/objective.h"
#include "cairn_train/run/optimiser.h"
#include "cairn_train/run/outputs.h"
#include "cairn_train/run/teacher.h"
#include "cairn_train/run/validation.h"

namespace cairn::run {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kCurvesHeader =
    "epoch,steps,lr,train_loss,val_loss,val_top1,val_gap,val_map,images_per_second,waiting,"
    "seconds\n";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Photos are kept at up to three times the input side, so that crops are not enlarged, and large
// enough for the teacher.
int stored_side(const Recipe& recipe) {
  const int teacher = recipe.distill.teacher.empty() ? 0 : teacher_size(recipe.distill);
  return std::max(3 * recipe.size, 2 * teacher);
}

std::vector<fs::path> paths_of(const data::TrainingSet& set) {
  std::vector<fs::path> paths;
  for (const data::Sample& sample : set.samples) paths.push_back(sample.path);
  return paths;
}

nn::EmbeddingNet make_net(const Recipe& recipe) {
  torch::manual_seed(recipe.seed);
  nn::EmbeddingNet net(recipe.model);
  keep_channels_last(net);
  if (recipe.init.empty()) return net;
  nn::LoadReport report =
      nn::load_state(net, nn::load_safetensors(recipe.init).tensors, nn::Strictness::kLenient);
  std::erase_if(report.missing, nn::is_unused_key);
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
                             "model.onnx", "curves.csv"})
      fs::remove(folder / name);
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

class Trainer {
 public:
  Trainer(const Recipe& recipe, const TrainOptions& options);
  void run();

 private:
  Optimiser make_optimiser();
  data::LoaderOptions loader_options() const;
  nn::NamedTensors tensors() const;
  void restore();
  void train_epoch();
  double step(data::Batch& batch);
  void checkpoint_if_due();
  void save();
  void finish_epoch();
  void write_outputs();
  double rate_of_epoch() const;

  const Recipe recipe_;
  const TrainOptions options_;
  const fs::path folder_;
  const FolderLock lock_;
  std::optional<Checkpoint> earlier_;  // until it is restored
  const int threads_;
  const data::TrainingSet set_;
  data::PhotoStore store_;
  const TeacherTargets targets_;
  std::vector<size_t> pool_;  // what an epoch goes through
  int64_t steps_per_epoch_ = 0;
  optim::WarmupCosine schedule_;
  nn::EmbeddingNet net_;
  std::unique_ptr<Objective> objective_;
  Optimiser optimiser_;

  Position position_;
  std::string curves_ = kCurvesHeader;
  double lr_ = 0;
  Clock::time_point saved_ = Clock::now();
};

fs::path made(const fs::path& folder) {
  make_folder(folder);
  return folder;
}

TeacherTargets make_targets(const Recipe& recipe, const data::TrainingSet& set,
                            data::PhotoStore& store, int threads) {
  if (recipe.distill.teacher.empty()) return {};
  return teacher_targets(recipe.distill, paths_of(set), store, recipe.model.embedding_dim, threads,
                         recipe.out);
}

Trainer::Trainer(const Recipe& recipe, const TrainOptions& options)
    : recipe_(recipe),
      options_(options),
      folder_(made(recipe.out)),
      lock_(folder_),
      earlier_(find_checkpoint(folder_, recipe, options.fresh)),
      threads_(resolve_threads(recipe.threads)),
      set_(data::build_training_set(recipe.data, recipe.seed)),
      store_(paths_of(set_), stored_side(recipe), uint64_t{1048576} * recipe.data.cache_mb),
      targets_(make_targets(recipe, set_, store_, threads_)),
      net_(make_net(recipe)),
      objective_(make_objective(recipe, set_, targets_)),
      optimiser_(make_optimiser()) {
  torch::set_num_threads(threads_);
  pool_ = set_.train;
  if (!recipe_.distill.teacher.empty()) {
    pool_.insert(pool_.end(), set_.unlabelled.begin(), set_.unlabelled.end());
    std::erase_if(pool_, [&](size_t i) { return !targets_.usable[i]; });
  }
  if (recipe_.head.type != "none")
    pool_.insert(pool_.end(), set_.nonlandmark.begin(), set_.nonlandmark.end());
  if (pool_.size() < 2) throw Error("training needs at least two photos that can be read");
  const auto batch = static_cast<size_t>(recipe_.batch);
  steps_per_epoch_ =
      static_cast<int64_t>(data::epoch_batches(pool_, batch, recipe_.seed, 0).size());
  schedule_.base_lr = recipe_.optimiser.lr;
  schedule_.min_lr = std::min(recipe_.schedule.min_lr, recipe_.optimiser.lr);
  schedule_.total_steps = steps_per_epoch_ * recipe_.schedule.epochs;
  schedule_.warmup_steps =
      std::llround(recipe_.schedule.warmup_epochs * static_cast<double>(steps_per_epoch_));
  log_info(fmt::format("{} photos to train on, {} landmarks, {} to validate with; {} missing",
                       pool_.size(), set_.landmark_of_class.size(), set_.validation.size(),
                       set_.missing_ids.size()));
}

Optimiser Trainer::make_optimiser() {
  std::vector<TrainedParameter> parameters;
  for (const auto& entry : net_.named_parameters())
    parameters.push_back({"net." + entry.key(), entry.value(), 1});
  if (const auto head = objective_->module()) {
    for (const auto& entry : head->named_parameters())
      parameters.push_back(
          {"head." + entry.key(), entry.value(), recipe_.optimiser.head_lr_factor});
  }
  return {recipe_.optimiser, std::move(parameters)};
}

data::LoaderOptions Trainer::loader_options() const {
  data::LoaderOptions options;
  options.size = recipe_.size;
  options.threads = threads_;
  options.normalisation = normalisation_of(recipe_);
  options.augment = recipe_.augment;
  options.seed = recipe_.seed;
  return options;
}

// Everything that a checkpoint stores, sharing memory with the run.
nn::NamedTensors Trainer::tensors() const {
  nn::NamedTensors all;
  for (auto& [name, tensor] : nn::state_dict(net_)) all.emplace_back("net." + name, tensor);
  if (const auto head = objective_->module())
    for (auto& [name, tensor] : nn::state_dict(*head)) all.emplace_back("head." + name, tensor);
  for (auto& [name, tensor] : optimiser_.state()) all.emplace_back("optimiser." + name, tensor);
  return all;
}

void Trainer::restore() {
  if (!earlier_) return;
  restore_tensors(earlier_->tensors, tensors(), checkpoint_file(folder_));
  position_ = earlier_->position;
  curves_ = earlier_->curves;
  optimiser_.set_steps(position_.steps);
  earlier_.reset();
  log_info(fmt::format("going on after epoch {}, batch {} of {}", position_.epoch, position_.batch,
                       steps_per_epoch_));
}

void Trainer::run() {
  restore();
  write_labels(set_, folder_ / "labels.csv");
  if (recipe_.head.imprint && position_.steps == 0 && recipe_.schedule.epochs > 0)
    objective_->imprint(
        class_means(net_, set_, store_, loader_options(), static_cast<size_t>(recipe_.batch)));
  net_.train();
  while (position_.epoch < recipe_.schedule.epochs) {
    train_epoch();
    finish_epoch();
  }
  write_outputs();
}

void Trainer::train_epoch() {
  const auto batch_size = static_cast<size_t>(recipe_.batch);
  const auto epoch = static_cast<uint64_t>(position_.epoch);
  data::Loader loader(store_, loader_options(),
                      data::epoch_batches(pool_, batch_size, recipe_.seed, epoch), epoch,
                      static_cast<size_t>(position_.batch));
  const uint64_t a_batch = std::min(batch_size, pool_.size());
  Progress progress(fmt::format("epoch {}/{}", epoch + 1, recipe_.schedule.epochs), "photos",
                    a_batch * static_cast<uint64_t>(steps_per_epoch_),
                    a_batch * static_cast<uint64_t>(position_.batch));
  const double waited_before = position_.waited_seconds;
  Clock::time_point started = Clock::now();
  data::Batch batch;
  while (loader.next(batch)) {
    position_.loss_sum += step(batch);
    ++position_.batch;
    const double seconds = seconds_since(started);
    started = Clock::now();
    position_.seconds += seconds;
    position_.epoch_seconds += seconds;
    position_.waited_seconds = waited_before + loader.waited_seconds();
    progress.advance(batch.photos.size());
    progress.note(fmt::format("loss {:.4f} lr {:.2g}",
                              position_.loss_sum / static_cast<double>(position_.batch), lr_));
    checkpoint_if_due();
    if (options_.after_step) options_.after_step(position_);
  }
}

// One optimiser step; returns the loss.
double Trainer::step(data::Batch& batch) {
  // Whatever a layer draws depends on the step alone, so that a resumed run draws the same.
  torch::manual_seed(
      Rng::for_stream(recipe_.seed, fnv1a("step"), static_cast<uint64_t>(position_.steps)).next());
  lr_ = schedule_.at(position_.steps);
  const double progress =
      static_cast<double>(position_.steps) / static_cast<double>(schedule_.total_steps);
  optimiser_.zero_grad();
  const torch::Tensor images =
      torch::from_blob(batch.pixels.data(),
                       {static_cast<int64_t>(batch.photos.size()), 3, recipe_.size, recipe_.size});
  const torch::Tensor embeddings = forward(net_, images, recipe_.precision);
  const torch::Tensor loss = objective_->loss(embeddings, batch.photos, progress);
  loss.backward();
  const auto value = loss.item<double>();
  if (!std::isfinite(value) || !std::isfinite(optimiser_.step(lr_)))
    throw Error(fmt::format(
        "the loss or its gradient is no number at step {} (epoch {}); lower optimiser.lr or "
        "optimiser.clip",
        position_.steps, position_.epoch + 1));
  ++position_.steps;
  return value;
}

void Trainer::checkpoint_if_due() {
  const CheckpointOptions& when = recipe_.checkpoint;
  const bool by_steps = when.steps > 0 && position_.steps % when.steps == 0;
  const bool by_time = when.minutes > 0 && seconds_since(saved_) > when.minutes * 60;
  if (by_steps || by_time) save();
}

void Trainer::save() {
  save_checkpoint({portable_recipe_yaml(recipe_), curves_, position_, tensors()}, folder_);
  saved_ = Clock::now();
}

double Trainer::rate_of_epoch() const {
  const double photos = static_cast<double>(position_.batch) *
                        static_cast<double>(std::min<size_t>(recipe_.batch, pool_.size()));
  return photos / std::max(1e-9, position_.epoch_seconds);
}

// Validates, adds a row to the curves and saves.
void Trainer::finish_epoch() {
  const Clock::time_point started = Clock::now();
  std::string scores = ",,,";
  std::string spoken;
  if (!set_.validation.empty()) {
    const ValidationResult result = validate(net_, *objective_, set_, store_, loader_options(),
                                             static_cast<size_t>(recipe_.batch));
    scores = fmt::format("{:.5f},{:.4f},{:.4f},{:.4f}", result.loss, result.scores.top1,
                         result.scores.gap, result.scores.map);
    spoken = fmt::format("; validation loss {:.4f}, top-1 {:.3f}, GAP {:.3f}, mAP {:.3f}",
                         result.loss, result.scores.top1, result.scores.gap, result.scores.map);
    if (result.scores.map > position_.best_map) {
      position_.best_map = result.scores.map;
      nn::save_safetensors(folder_ / "best.safetensors", nn::state_dict(net_));
    }
  }
  position_.seconds += seconds_since(started);
  const double loss =
      position_.loss_sum / static_cast<double>(std::max<int64_t>(1, position_.batch));
  const double waiting = position_.waited_seconds / std::max(1e-9, position_.epoch_seconds);
  curves_ +=
      fmt::format("{},{},{:.6g},{:.5f},{},{:.2f},{:.4f},{:.2f}\n", position_.epoch + 1,
                  position_.steps, lr_, loss, scores, rate_of_epoch(), waiting, position_.seconds);
  log_info(fmt::format("epoch {}: loss {:.4f}{}; {:.1f} photos/s, {:.0f} % waiting for data",
                       position_.epoch + 1, loss, spoken, rate_of_epoch(), 100 * waiting));
  ++position_.epoch;
  position_.batch = 0;
  position_.loss_sum = position_.epoch_seconds = position_.waited_seconds = 0;
  save();
  write_text_atomically(folder_ / "curves.csv", curves_);
  write_skipped(set_, store_, folder_ / "skipped.csv");
}

void Trainer::write_outputs() {
  if (recipe_.export_weights == "best")
    nn::load_state(net_, nn::load_safetensors(folder_ / "best.safetensors").tensors,
                   nn::Strictness::kStrict);
  net_.eval();
  write_text_atomically(folder_ / "curves.csv", curves_);
  nn::NamedTensors weights = nn::state_dict(net_);
  std::erase_if(weights, [](const auto& entry) { return nn::is_unused_key(entry.first); });
  nn::save_safetensors(folder_ / "weights.safetensors", weights,
                       {{"cairn.recipe", portable_recipe_yaml(recipe_)}}, recipe_.weights == "f16");
  write_model(net_, recipe_, set_, folder_ / "model.onnx");
  log_info(fmt::format("trained: {}", (folder_ / "model.onnx").string()));
}

}  // namespace

void train(const Recipe& recipe, const TrainOptions& options) { Trainer(recipe, options).run(); }

}  // namespace cairn::run
