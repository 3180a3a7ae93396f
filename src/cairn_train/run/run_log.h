// What a run tells people: a row of curves.csv an epoch, a line in the log, TensorBoard's events,
// and a picture of each stage's views.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cairn_train/data/loader.h"
#include "cairn_train/run/tensorboard.h"
#include "cairn_train/run/validation.h"

namespace cairn::run {

struct EpochReport {
  int64_t epoch = 0;  // from 1
  int64_t stage = 0;  // from 1
  int size = 0;
  int64_t steps = 0;  // of the run so far
  double lr = 0;
  double train_loss = 0;
  std::optional<ValidationResult> validation;
  double photos_per_second = 0;
  double waiting = 0;  // share of the time
  double seconds = 0;  // of the run so far
};

class RunLog {
 public:
  // curves: the rows of the run so far, with their header; empty at the start of a run.
  RunLog(std::filesystem::path folder, std::string curves, int64_t steps);

  // `curves` now holds the epoch's row; write_curves() puts them on disk.
  void add(const EpochReport& report);
  void step(int64_t step, double loss, double lr);
  // Writes samples/stage_N.png with the first views of a stage.
  void show_samples(int64_t stage, const data::Batch& batch,
                    const image::Normalisation& normalisation, int64_t step);
  void write_curves();

  const std::string& curves() const { return curves_; }

 private:
  std::filesystem::path folder_;
  std::string curves_;
  EventWriter events_;
};

// Views of a batch beside each other as people see them: normalisation undone, at most `most` views
// in rows of `columns`.
image::Image sample_grid(const data::Batch& batch, const image::Normalisation& normalisation,
                         size_t most, int columns);

}  // namespace cairn::run
