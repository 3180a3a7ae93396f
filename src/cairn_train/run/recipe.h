// Recipes: what a training run does, as YAML.
//
//   base: base.yaml            # keys of another recipe first; the path is relative to this file
//   data: {root: world, table: train/train.csv}
//   stages:
//     - {epochs: 3, transforms: [resize, flip]}
//     - {epochs: 3, resize: 256, transforms: [random_crop, flip], mixes: [cutmix]}
//
// Every key can be overridden as "schedule.epochs=20" or "stages.1.epochs=5". A list of stages
// replaces that of the base. Other paths are relative to the working folder, those below data: to
// data.root. recipe_help() lists all keys.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cairn_train/data/augment.h"
#include "cairn_train/data/mixes.h"
#include "cairn_train/data/sampler.h"
#include "cairn_train/data/training_set.h"
#include "cairn_train/nn/embedding_net.h"
#include "cairn_train/optim/optimiser.h"

namespace cairn::run {

struct HeadOptions {
  // arcface | subcenter | cosface | amsoftmax | circle | cosine | softmax | none
  std::string type = "arcface";
  bool imprint = false;
  bool carry_over = false;  // landmarks that the classifier in `init` knows start at its centres
  int centers = 3;
  double scale = 30;
  double margin = 0.3;
  bool adaptive = false;
  double margin_min = 0.05;
  double margin_max = 0.5;
  std::array<double, 2> ramp = {0, 0};
  double start_scale = 10;
  double reject_above = 0.2;
  bool easy_margin = false;
  double label_smoothing = 0;                // of the margin
  double target_smoothing = 0;               // of the cross entropy's target
  double focal_gamma = 0;                    // 0: cross entropy
  std::string class_weights = "none";        // none | log
  std::string class_weights_norm = "batch";  // batch | global
  double weight = 1;
  bool split = false;  // over the processes of a job
};

struct TripletOptions {
  double weight = 0;    // 0: no triplet loss
  double margin = 0.3;  // 0: soft
  double hard_factor = 0;
  bool normalise = true;
  std::string features = "before_bn";  // before_bn | embedding
};

struct CenterOptions {
  double weight = 0;                   // 0: no centre loss
  double lr = 0.5;                     // of the centres
  std::string features = "before_bn";  // before_bn | embedding
};

// Knowledge distillation from a network that was trained on the same landmarks.
struct KnowledgeOptions {
  std::string teacher;  // its weights.safetensors; empty: none
  double lambda = 0.5;  // share of the hard loss
  double temperature = 1;
};

struct DistillOptions {
  std::string teacher;  // empty: no distillation
  int size = 0;         // 0: from the file's metadata
  std::vector<double> mean;
  std::vector<double> std;
  std::string output;
  double weight = 1;
  double contrast_weight = 1;
  double temperature = 0.1;
};

struct ScheduleOptions {
  int epochs = 10;              // of a recipe without stages
  std::string type = "cosine";  // cosine | constant | multistep | vt | wz
  std::string by = "step";      // step | epoch
  double warmup_epochs = 1;
  double cosine_epochs = 0;  // after the warm-up; 0: to the end
  double min_lr = 1e-6;
  std::vector<double> milestones;  // multistep: epochs
  double gamma = 0.1;              // multistep
  double warmup_factor = 0.01;     // multistep and wz
  std::string warmup = "linear";   // multistep: linear | constant
  double multiplier = 10;          // vt: how far the warm-up goes
};

// A part of the run with its own views. The last stage's size is what the network is made for.
struct StageOptions {
  std::string name;
  int epochs = 1;
  int size = 0;    // side of the network's input; 0: Recipe::size
  int resize = 0;  // side that a photo is squeezed to before a random crop; 0: size
  std::vector<std::string> transforms = {"random_resized_crop", "flip", "colour"};
  std::vector<std::string> mixes;
};

// Input sizes that grow with the epochs, up to the stage's own.
struct ProgressiveOptions {
  int start = 0;  // side in the first epoch; 0: off
  int step = 32;  // more in every further one
};

struct EarlyStopOptions {
  int patience = 0;  // epochs without a better score; 0: never
};

// Of a job of several processes; without meaning for one.
struct DistributedOptions {
  std::string batch_norm = "sync";  // sync | local
  double timeout = 600;             // seconds
  double bucket_mb = 25;
};

struct CheckpointOptions {
  double minutes = 5;
  int steps = 0;
};

struct Recipe {
  int size = 128;
  int inference_size = 0;  // what model.onnx and validation use; 0: size
  int batch = 32;
  int accumulate = 1;  // batches whose gradients make one step
  int threads = 0;
  uint64_t seed = 1;
  std::string device = "auto";    // auto | cpu | cuda
  std::string precision = "f32";  // f32 | bf16 | f16
  double ema = 0;                 // decay of the averaged weights a step; 0: none
  std::string out;
  std::string init;
  std::string export_weights = "last";  // last | best
  std::string best_by = "map";          // map | gap | top1 | loss
  std::string weights = "f32";          // f32 | f16
  std::vector<double> mean = {127.5};
  std::vector<double> std = {127.5};
  data::DataOptions data;
  data::SamplerOptions sampler;
  nn::NetOptions model;
  HeadOptions head;
  TripletOptions triplet;
  CenterOptions center;
  bool freeze_batch_norms = false;
  DistillOptions distill;
  KnowledgeOptions knowledge;
  optim::OptimiserOptions optimiser;
  ScheduleOptions schedule;
  std::vector<StageOptions> stages;  // empty: one of schedule.epochs
  ProgressiveOptions progressive;
  EarlyStopOptions early_stop;
  data::AugmentOptions augment;
  data::MixOptions mix;
  CheckpointOptions checkpoint;
  DistributedOptions distributed;

  bool has_metric() const { return triplet.weight > 0 || center.weight > 0; }
};

// Reads a recipe with its bases, then the overrides "key.sub=value" in order. Throws cairn::Error,
// one line with the file, the line, the key and what is allowed: missing or malformed files, a
// circle of bases, unknown keys, wrong types, values out of range.
Recipe load_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides);

// Reads a recipe from the text of portable_recipe_yaml; where: names the text in messages.
Recipe parse_recipe(const std::string& text, const std::string& where);

// The whole recipe as YAML, every key with its value.
std::string recipe_yaml(const Recipe& recipe);

// Without the keys that only say where and how fast (out, threads, cache, checkpoints): what
// checkpoints and models carry, the same for all runs that give the same weights.
std::string portable_recipe_yaml(const Recipe& recipe);

// A line a key: "key=default  meaning".
std::string recipe_help();

// What keeps a run from being continued under another recipe: the first key that differs, as
// "schedule.epochs is 5 there and 6 here"; empty where both give the same weights. `there` is
// portable_recipe_yaml's text.
std::string recipe_difference(const std::string& there, const Recipe& here);

}  // namespace cairn::run
