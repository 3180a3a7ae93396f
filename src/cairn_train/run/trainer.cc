#include "cairn_train/run/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/base/progress.h"
#include "cairn/base/thread_pool.h"
#include "cairn_train/data/loader.h"
#include "cairn_train/nn/layers.h"
#include "cairn_train/nn/weights.h"
#include "cairn_train/run/average.h"
#include "cairn_train/run/distributed/across_ranks.h"
#include "cairn_train/run/distributed/gradient_buckets.h"
#include "cairn_train/run/forward.h"
#include "cairn_train/run/loss_scale.h"
#include "cairn_train/run/objective.h"
#include "cairn_train/run/outputs.h"
#include "cairn_train/run/parameters.h"
#include "cairn_train/run/rates.h"
#include "cairn_train/run/run_log.h"
#include "cairn_train/run/run_state.h"
#include "cairn_train/run/setup.h"
#include "cairn_train/run/stages.h"
#include "cairn_train/run/teacher.h"
#include "cairn_train/run/validation.h"

namespace cairn::run {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Trainer {
 public:
  Trainer(const Recipe& recipe, const TrainOptions& options, const Ranks& ranks);
  void run();

 private:
  optim::Optimiser make_optimiser();
  data::LoaderOptions loader_options() const;
  std::vector<torch::Tensor> whole_parameters() const;
  void restore();
  void train_epoch();
  void train_batch(data::Batch& batch);
  double loss_of_all(double share);
  void optimiser_step();
  void checkpoint_if_due();
  [[noreturn]] void stop();
  void save();
  void finish_epoch();
  std::optional<ValidationResult> validate_epoch();
  bool ended() const;
  void write_outputs();

  const Recipe recipe_;
  const TrainOptions options_;
  const Ranks& ranks_;
  const RanksBatch batch_of_ranks_;
  const fs::path folder_;
  const std::unique_ptr<FolderLock> lock_;  // rank 0's
  std::optional<Checkpoint> earlier_;       // until it is restored
  const int threads_;
  const data::TrainingSet set_;
  data::PhotoStore store_;
  const TeacherTargets targets_;
  const data::Sampler sampler_;
  nn::EmbeddingNet net_;
  std::unique_ptr<Objective> objective_;
  optim::Optimiser optimiser_;
  GradientBuckets buckets_;
  WeightAverage average_;
  LossScale scale_;
  int64_t batches_ = 0;  // of an epoch
  int64_t epochs_ = 0;   // of the run
  RatePlan rates_;
  std::optional<RunLog> log_;  // rank 0's

  Position position_;
  EpochPlan plan_;       // of the epoch that is running
  int64_t pending_ = 0;  // batches whose gradients wait for a step
  double lr_ = 0;
  Clock::time_point saved_ = Clock::now();
  bool save_is_due_ = false;  // by time, as rank 0 sees it
  bool stop_ = false;         // a rank was asked to
};

Trainer::Trainer(const Recipe& recipe, const TrainOptions& options, const Ranks& ranks)
    : recipe_(recipe),
      options_(options),
      ranks_(ranks),
      batch_of_ranks_(ranks),
      folder_(ranks.first() ? made(recipe.out) : fs::path(recipe.out)),
      lock_(ranks.first() ? std::make_unique<FolderLock>(folder_) : nullptr),
      earlier_(ranks.first() ? find_checkpoint(folder_, recipe, options.fresh) : std::nullopt),
      threads_(threads_of(recipe, ranks)),
      set_(make_set(recipe, ranks)),
      store_(paths_of(set_), stored_side(recipe), uint64_t{1048576} * recipe.data.cache_mb),
      targets_(make_targets(recipe, set_, store_, threads_, ranks)),
      sampler_(recipe.sampler, set_, pool_of(recipe, set_, targets_),
               static_cast<size_t>(recipe.batch), recipe.seed),
      net_(make_net(recipe)),
      objective_(make_objective(recipe, set_, targets_, ranks)),
      optimiser_(make_optimiser()),
      buckets_(ranks, whole_parameters(),
               static_cast<int64_t>(recipe.distributed.bucket_mb * 1048576)),
      average_(net_, recipe.ema),
      scale_(recipe.precision == "f16"),
      batches_(count_batches(recipe, sampler_, ranks)),
      epochs_(total_epochs(recipe)),
      rates_(recipe, steps_of(recipe, batches_)) {
  torch::set_num_threads(threads_);
  if (!ranks.alone() && recipe.distributed.batch_norm == "sync")
    nn::share_batch_norms(net_, &batch_of_ranks_);
  log_info(fmt::format("{} an epoch, {}, {} to validate with; {} missing",
                       counted(sampler_.count() * sampler_.batch_size(), "photo"),
                       counted(set_.landmark_of_class.size(), "landmark"), set_.validation.size(),
                       set_.missing_ids.size()));
}

optim::Optimiser Trainer::make_optimiser() {
  const auto head = objective_->module();
  if (head) head->to(choose_device(recipe_.device));
  std::vector<optim::TrainedParameter> parameters = trained_parameters(recipe_, net_, head.get());
  for (optim::TrainedParameter& parameter : parameters)
    parameter.split = parameter.name.starts_with(nn::kHeadPrefix) &&
                      objective_->is_split(parameter.name.substr(5));
  return {recipe_.optimiser, std::move(parameters),
          [this](double whole, double part) { return ranks_.sum(whole, part); }};
}

// Those that are trained and that every rank has whole; backward reaches them from the last to the
// first.
std::vector<torch::Tensor> Trainer::whole_parameters() const {
  std::vector<torch::Tensor> parameters = net_.parameters();
  std::erase_if(parameters, [](const torch::Tensor& tensor) { return !tensor.requires_grad(); });
  if (const auto head = objective_->module())
    for (const auto& entry : head->named_parameters())
      if (!objective_->is_split(entry.key())) parameters.push_back(entry.value());
  return parameters;
}

// For plain views; train_epoch() adds the random ones.
data::LoaderOptions Trainer::loader_options() const {
  data::LoaderOptions options;
  options.size = inference_size(recipe_);
  options.threads = threads_;
  options.normalisation = normalisation_of(recipe_);
  options.seed = recipe_.seed;
  options.part = ranks_.rank();
  options.parts = ranks_.world();
  return options;
}

void Trainer::restore() {
  if (const auto position =
          spread_state(earlier_, state_of(net_, *objective_, optimiser_, average_), ranks_,
                       checkpoint_file(folder_))) {
    position_ = *position;
    optimiser_.set_steps(position_.steps);
    scale_.restore(position_.loss_scale, position_.good_steps);
    log_info(fmt::format("going on after epoch {}, batch {} of {}", position_.epoch,
                         position_.batch, batches_));
  }
  if (ranks_.first()) log_.emplace(folder_, earlier_ ? earlier_->curves : "", position_.steps);
  earlier_.reset();
}

bool Trainer::ended() const {
  const int patience = recipe_.early_stop.patience;
  const bool stopped = patience > 0 && position_.since_best >= patience;
  return position_.epoch >= epochs_ || (stopped && position_.batch == 0);
}

void Trainer::run() {
  restore();
  if (ranks_.first()) write_labels(set_, folder_ / "labels.csv");
  if (recipe_.head.imprint && position_.epoch == 0 && position_.batch == 0 && epochs_ > 0)
    objective_->imprint(class_means(net_, set_, store_, loader_options(),
                                    static_cast<size_t>(recipe_.batch), ranks_));
  net_.train();
  while (!ended()) {
    train_epoch();
    finish_epoch();
  }
  if (position_.epoch < epochs_)
    log_info(fmt::format("stopped early: no better {} for {}", recipe_.best_by,
                         counted(static_cast<uint64_t>(position_.since_best), "epoch")));
  write_outputs();
  ranks_.meet();
}

void Trainer::train_epoch() {
  const auto epoch = static_cast<uint64_t>(position_.epoch);
  plan_ = plan_epoch(recipe_, position_.epoch);
  data::LoaderOptions options = loader_options();
  options.view = plan_.view;
  options.mix = plan_.mix;
  data::Loader loader(store_, options, sampler_.batches(epoch), epoch,
                      static_cast<size_t>(position_.batch));
  const uint64_t a_batch = sampler_.batch_size();
  std::optional<Progress> progress;
  if (ranks_.first())
    progress.emplace(fmt::format("epoch {}/{}", epoch + 1, epochs_), "photos",
                     a_batch * static_cast<uint64_t>(batches_),
                     a_batch * static_cast<uint64_t>(position_.batch));
  const double waited_before = position_.waited_seconds;
  Clock::time_point started = Clock::now();
  data::Batch batch;
  while (loader.next(batch)) {
    if (log_ && plan_.first_of_stage && position_.batch == 0)
      log_->show_samples(static_cast<int64_t>(plan_.stage) + 1, batch, options.normalisation,
                         position_.steps);
    train_batch(batch);
    const double seconds = seconds_since(started);
    started = Clock::now();
    position_.seconds += seconds;
    position_.epoch_seconds += seconds;
    position_.waited_seconds = waited_before + loader.waited_seconds();
    if (progress) {
      progress->advance(a_batch);
      progress->note(fmt::format("loss {:.4f} lr {:.2g}",
                                 position_.loss_sum / static_cast<double>(position_.batch), lr_));
    }
    if (pending_ > 0) continue;
    if (stop_) stop();
    checkpoint_if_due();
    if (options_.after_step) options_.after_step(position_);
  }
}

// One batch; where it completes a group, one optimiser step.
void Trainer::train_batch(data::Batch& batch) {
  const int64_t number = position_.epoch * batches_ + position_.batch;
  // Whatever a layer draws depends on the place alone, so that a resumed run draws the same. Each
  // rank draws its own for its photos; the loss, which sees all of them, the same on every rank.
  const auto seed_for = [&](int rank) {
    const uint64_t stream = fnv1a("step") + static_cast<uint64_t>(rank);
    torch::manual_seed(Rng::for_stream(recipe_.seed, stream, static_cast<uint64_t>(number)).next());
  };
  seed_for(ranks_.rank());
  const double progress = static_cast<double>(number) / static_cast<double>(batches_ * epochs_);
  if (pending_ == 0) optimiser_.zero_grad();
  const auto count = static_cast<int64_t>(batch.photos.size());
  const torch::Tensor images =
      torch::from_blob(batch.pixels.data(), {count, 3, batch.size, batch.size});
  const auto [features, embeddings] = forward_views(net_, images, recipe_.precision);
  const torch::Tensor on_device = images.to(embeddings.device());
  if (!ranks_.alone()) seed_for(0);
  const torch::Tensor loss =
      objective_->loss(embeddings, {batch.photos, batch.mixed, on_device, progress, features});
  const int64_t first = position_.batch - pending_;
  const int64_t group = std::min<int64_t>(recipe_.accumulate, batches_ - first);
  const bool last = pending_ + 1 == group;
  if (last) buckets_.start();
  (loss * (scale_.scale() / static_cast<double>(group))).backward();
  if (last) buckets_.finish();
  const double value = loss_of_all(loss.item<double>());
  if (!std::isfinite(value))
    throw Error(
        fmt::format("the loss is no number at step {} (epoch {}); lower optimiser.lr or "
                    "optimiser.clip",
                    position_.steps, position_.epoch + 1));
  position_.loss_sum += value;
  ++position_.batch;
  if (++pending_ < group) return;
  lr_ = rates_.at(position_.epoch, first / recipe_.accumulate);
  pending_ = 0;
  optimiser_step();
  if (log_) log_->step(position_.steps, value, lr_);
}

// The loss, from each rank's share of it; at the same time all learn whether rank 0 wants to save
// and whether one was asked to stop.
double Trainer::loss_of_all(double share) {
  const double minutes = recipe_.checkpoint.minutes;
  save_is_due_ = minutes > 0 && seconds_since(saved_) > minutes * 60;
  const bool stop = options_.stop && options_.stop();
  if (ranks_.alone()) {
    stop_ = stop_ || stop;
    return share;
  }
  torch::Tensor numbers = torch::tensor(
      {share, ranks_.first() && save_is_due_ ? 1.0 : 0.0, stop ? 1.0 : 0.0}, torch::kFloat64);
  ranks_.sum(numbers);
  save_is_due_ = numbers[1].item<double>() > 0;
  stop_ = stop_ || numbers[2].item<double>() > 0;
  return numbers[0].item<double>();
}

void Trainer::optimiser_step() {
  if (scale_.on()) optimiser_.scale_gradients(1 / scale_.scale());
  const bool finite = std::isfinite(optimiser_.step(lr_));
  scale_.update(finite);
  if (!finite && !scale_.on())
    throw Error(
        fmt::format("the gradient is no number at step {} (epoch {}); lower optimiser.lr or "
                    "optimiser.clip",
                    position_.steps, position_.epoch + 1));
  // A step left out for its overflow is no step to the optimiser.
  position_.steps = optimiser_.steps();
  if (finite) average_.update();
}

void Trainer::checkpoint_if_due() {
  const CheckpointOptions& when = recipe_.checkpoint;
  const bool by_steps = when.steps > 0 && position_.steps % when.steps == 0;
  if (by_steps || save_is_due_) save();
}

void Trainer::stop() {
  save();
  ranks_.meet();  // the checkpoint is there
  throw Stopped(fmt::format("stopped in epoch {}, after batch {} of {}; the same command goes on",
                            position_.epoch + 1, position_.batch, batches_));
}

void Trainer::save() {
  position_.loss_scale = scale_.scale();
  position_.good_steps = scale_.good_steps();
  nn::NamedTensors whole = whole_tensors(state_of(net_, *objective_, optimiser_, average_), ranks_);
  if (ranks_.first())
    save_checkpoint({portable_recipe_yaml(recipe_), log_->curves(), position_, std::move(whole)},
                    folder_);
  saved_ = Clock::now();
}

// Scores the network, averaged where the recipe says so, and keeps the best weights.
std::optional<ValidationResult> Trainer::validate_epoch() {
  if (set_.validation.empty()) return std::nullopt;
  average_.swap();
  const ValidationResult result = validate(net_, *objective_, set_, store_, loader_options(),
                                           static_cast<size_t>(recipe_.batch), ranks_);
  const double score = score_of(result, recipe_.best_by);
  if (!position_.best || score > *position_.best) {
    position_.best = score;
    position_.since_best = 0;
    if (ranks_.first())
      nn::save_safetensors(folder_ / "best.safetensors", on_cpu(nn::state_dict(net_)));
  } else {
    ++position_.since_best;
  }
  average_.swap();
  return result;
}

// Validates, reports and saves.
void Trainer::finish_epoch() {
  const Clock::time_point started = Clock::now();
  if (recipe_.distributed.batch_norm == "local") {  // each rank has statistics of its own
    for (torch::Tensor& buffer : net_.buffers()) ranks_.from_first(buffer);
    for (auto [name, tensor] : average_.state()) ranks_.from_first(tensor);
  }
  EpochReport report;
  report.validation = validate_epoch();
  position_.seconds += seconds_since(started);
  const double spent = std::max(1e-9, position_.epoch_seconds);
  const auto batches = static_cast<double>(std::max<int64_t>(1, position_.batch));
  const auto a_batch = static_cast<double>(sampler_.batch_size());
  report.epoch = ++position_.epoch;
  report.stage = static_cast<int64_t>(plan_.stage) + 1;
  report.size = plan_.view.size;
  report.steps = position_.steps;
  report.lr = lr_;
  report.train_loss = position_.loss_sum / batches;
  report.photos_per_second = batches * a_batch / spent;
  report.waiting = position_.waited_seconds / spent;
  report.seconds = position_.seconds;
  if (log_) log_->add(report);
  position_.batch = 0;
  position_.loss_sum = position_.epoch_seconds = position_.waited_seconds = 0;
  save();
  if (log_) log_->write_curves();
  write_skipped(set_, store_, folder_ / "skipped.csv", ranks_);
}

void Trainer::write_outputs() {
  const nn::NamedTensors head = whole_tensors(head_state(*objective_), ranks_);
  if (!ranks_.first()) return;
  average_.swap();
  if (recipe_.export_weights == "best")
    nn::load_state(net_, nn::load_safetensors(folder_ / "best.safetensors").tensors,
                   nn::Strictness::kStrict);
  net_.eval();
  log_->write_curves();
  net_.to(torch::kCPU);
  write_weights(net_, head, recipe_, set_, folder_ / "weights.safetensors");
  write_model(net_, recipe_, set_, folder_ / "model.onnx");
  log_info(fmt::format("trained: {}", (folder_ / "model.onnx").string()));
}

}  // namespace

void train(const Recipe& recipe, const TrainOptions& options) {
  const Ranks one_process;
  const Ranks& ranks = options.ranks ? *options.ranks : one_process;
  require_agreement(ranks, "recipe", agreement_of(recipe));
  Trainer(recipe, options, ranks).run();
}

}  // namespace cairn::run
