// Recipes: what a training run does, as YAML.
//
//   base: base.yaml            # keys of another recipe first; the path is relative to this file
//   data: {root: world, table: train/train.csv}
//   schedule: {epochs: 12}
//
// Every key can be overridden as "schedule.epochs=20". Other paths are relative to the working
// folder, those below data: to data.root. recipe_help() lists all keys.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cairn_train/data/augment.h"
#include "cairn_train/data/training_set.h"
#include "cairn_train/nn/embedding_net.h"

namespace cairn::run {

struct HeadOptions {
  std::string type = "arcface";  // arcface | subcenter | none
  bool imprint = false;
  int centers = 3;
  double scale = 30;
  double margin = 0.3;
  bool adaptive = false;
  double margin_min = 0.05;
  double margin_max = 0.5;
  std::array<double, 2> ramp = {0, 0};
  double start_scale = 10;
  double reject_above = 0.2;
  double weight = 1;
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

struct OptimiserOptions {
  std::string type = "adamw";  // adamw | sgd
  double lr = 1e-3;
  double head_lr_factor = 1;
  double weight_decay = 0.01;
  double momentum = 0.9;
  bool nesterov = true;
  double clip = 5;
};

struct ScheduleOptions {
  int epochs = 10;
  double warmup_epochs = 1;
  double min_lr = 1e-6;
};

struct CheckpointOptions {
  double minutes = 5;
  int steps = 0;
};

struct Recipe {
  int size = 128;
  int batch = 32;
  int threads = 0;
  uint64_t seed = 1;
  std::string precision = "f32";  // f32 | bf16
  std::string out;
  std::string init;
  std::string export_weights = "last";  // last | best
  std::string weights = "f32";          // f32 | f16
  std::vector<double> mean = {127.5};
  std::vector<double> std = {127.5};
  data::DataOptions data;
  nn::NetOptions model;
  HeadOptions head;
  DistillOptions distill;
  OptimiserOptions optimiser;
  ScheduleOptions schedule;
  data::AugmentOptions augment;
  CheckpointOptions checkpoint;
};

// Reads a recipe with its bases, then the overrides "key.sub=value" in order. Throws cairn::Error,
// one line with the file, the line, the key and what is allowed: missing or malformed files, a
// circle of bases, unknown keys, wrong types, values out of range.
Recipe load_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides);

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
