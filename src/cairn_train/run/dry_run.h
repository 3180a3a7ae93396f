// What a run would do, without doing it.
#pragma once

#include <string>

#include "cairn_train/run/recipe.h"

namespace cairn::run {

// The photos and landmarks that the recipe finds, the stages with their views and sizes, and how
// long it takes here: a few steps of each size are timed on random numbers. Writes nothing. Throws
// as train().
std::string describe_run(const Recipe& recipe);

}  // namespace cairn::run
