// Several recipes in order, each from the weights of the one before: what large solutions call
// stages (and what a recipe's own stages are not: those share one set of photos and one optimiser).
//
//   out: runs/SER101ibn
//   overrides: [data.root=gldv2]            # of all
//   stages:
//     - recipe: 384.yaml                    # relative to this file
//     - {recipe: 384_finetune.yaml, overrides: [schedule.epochs=3]}
//
// OUT/1-384, OUT/2-384_finetune, … are runs as train() makes them; OUT/pipeline.json says from
// which weights each was started.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cairn_train/run/recipe.h"
#include "cairn_train/run/trainer.h"

namespace cairn::run {

struct PipelineStage {
  std::string name;  // of its folder: "1-384"
  Recipe recipe;     // with its out; its init is the stage before, but for the first one
};

struct Pipeline {
  std::filesystem::path out;
  std::vector<PipelineStage> stages;
};

// Reads a pipeline file; overrides go over those of the file. "out=" names the pipeline's folder
// and "init=" what the first stage starts from. Throws Error as load_recipe() does.
Pipeline load_pipeline(const std::filesystem::path& file,
                       const std::vector<std::string>& overrides);

// The same of recipes alone; out is an override, or a key of the first recipe.
Pipeline chain_recipes(const std::vector<std::filesystem::path>& recipes,
                       const std::vector<std::string>& overrides);

// Runs the stages that are not finished. A stage of a landmark classifier carries the centres of
// the stage before over (head.carry_over). Throws Error as train() does, and where a stage was run
// under another recipe or from other weights.
void run_pipeline(const Pipeline& pipeline, const TrainOptions& options = {});

// What run_pipeline() would do: recipe and describe_run() of each stage, and which are finished.
std::string describe_pipeline(const Pipeline& pipeline);

}  // namespace cairn::run
