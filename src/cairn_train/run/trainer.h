// Training runs: recipe in, model.onnx out.
//
// The folder of a run holds checkpoint.safetensors (the newest state), curves.csv (a row an epoch),
// labels.csv, skipped.csv, best.safetensors (weights of the highest validation mAP), and at the end
// weights.safetensors and model.onnx. A run that was killed goes on from its checkpoint when it is
// started again; its weights end the same, bit by bit, as those of an unbroken run with as many
// threads.
#pragma once

#include <functional>

#include "cairn_train/run/checkpoint.h"
#include "cairn_train/run/distributed/ranks.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

// A run that was asked to stop; its checkpoint is written.
class Stopped : public Error {
 public:
  using Error::Error;
};

struct TrainOptions {
  bool fresh = false;  // start over, whatever the folder holds
  // Called after every step and the checkpoint that may follow it: lets tests stop a run anywhere.
  std::function<void(const Position&)> after_step;
  // Asked after every batch. Where it says yes on any rank, the run writes a checkpoint after its
  // step and throws Stopped on every rank.
  std::function<bool()> stop;
  // The processes that run the recipe together; null: this one alone. They must outlive the run.
  const Ranks* ranks = nullptr;
};

// Runs the recipe to its end. Several ranks end with the weights of one process that shows the same
// batches (batch norms frozen or synchronised); rank 0 writes the folder, the others nothing.
// Throws Error for unreadable tables, folders or weights, a checkpoint of another recipe, a folder
// that another run uses, a loss that is no number, and, as LostRank, where another rank ended;
// Stopped.
void train(const Recipe& recipe, const TrainOptions& options = {});

}  // namespace cairn::run
