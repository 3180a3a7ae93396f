// The state of a run on disk: everything that the rest of the run depends on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cairn_train/nn/safetensors.h"

namespace cairn::run {

// A position in a run. Random choices depend on (seed, epoch, place), so that the position is their
// whole state.
struct Position {
  int64_t epoch = 0;           // epochs finished
  int64_t batch = 0;           // batches of the next epoch finished
  int64_t steps = 0;           // optimiser steps so far
  double loss_sum = 0;         // over the finished batches of this epoch
  double seconds = 0;          // trained so far
  double epoch_seconds = 0;    // of this epoch
  double waited_seconds = 0;   // of this epoch, for data
  std::optional<double> best;  // score of the epochs so far, see Recipe::best_by
  int64_t since_best = 0;      // epochs since then
  double loss_scale = 1;       // of float16
  int64_t good_steps = 0;      // since the loss scale changed
};

struct Checkpoint {
  std::string recipe;  // recipe_yaml
  std::string curves;  // curves.csv so far
  Position position;
  nn::NamedTensors tensors;  // network, head, optimiser
};

// OUT/checkpoint.safetensors, replaced atomically.
std::filesystem::path checkpoint_file(const std::filesystem::path& folder);
void save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& folder);

// The folder's checkpoint, or nothing. Throws Error where the file is damaged.
std::optional<Checkpoint> load_checkpoint(const std::filesystem::path& folder);

// A position as text, exactly, and back. Throws where the text is none.
std::string position_text(const Position& position);
Position parse_position(const std::string& text);

}  // namespace cairn::run
