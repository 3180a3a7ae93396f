// From the recipe's stages to what each epoch shows the network.
#pragma once

#include <string>
#include <vector>

#include "cairn_train/data/augment.h"
#include "cairn_train/data/mixes.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

// The recipe's stages with all sizes filled in; without stages, one of schedule.epochs epochs
// (none where that is 0).
std::vector<StageOptions> stages_of(const Recipe& recipe);

int64_t total_epochs(const Recipe& recipe);

struct EpochPlan {
  size_t stage = 0;  // position in stages_of()
  bool first_of_stage = false;
  data::ViewOptions view;
  data::MixOptions mix;
};

// What epoch 0, 1, … shows. With progressive sizes, a stage's resize shrinks along with its size.
EpochPlan plan_epoch(const Recipe& recipe, int64_t epoch);

// The side of the square photos that validation and the exported model see.
int inference_size(const Recipe& recipe);

// The longest side that any view of the run is cut from.
int largest_side(const Recipe& recipe);

// Throws Error ("FILE: stages.1: …") for a stage that cannot be: a random crop out of less than its
// size, two ways to crop, mixes that together take more than every batch.
void require_possible_stages(const Recipe& recipe, const std::string& file);

}  // namespace cairn::run
