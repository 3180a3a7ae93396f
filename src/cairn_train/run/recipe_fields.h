// The table of all recipe keys: one row gives a key its place in Recipe, its meaning, its reader
// and its printer.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <vector>

#include "cairn_train/run/recipe.h"

namespace cairn::run {

struct RecipeField {
  std::string key;      // "schedule.epochs"
  std::string meaning;  // with what is allowed
  bool shapes_weights;  // part of what makes two runs the same
  // Stores the value; throws Error that says only what is allowed ("a number from 0 to 1").
  std::function<void(const YAML::Node&)> read;
  std::function<std::string()> show;  // as YAML
};

// The fields, bound to a recipe that must outlive them.
std::vector<RecipeField> recipe_fields(Recipe& recipe);

}  // namespace cairn::run
