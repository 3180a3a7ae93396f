// cairn-train: the commands that need LibTorch. `cairn train …` and `cairn model import …` start
// it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "cairn_train/run/allocator.h"
#include "cairn_train/run/dry_run.h"
#include "cairn_train/run/recipe.h"
#include "cairn_train/run/trainer.h"
#include "commands.h"
#include "run_app.h"

namespace cairn::apps {
namespace {

struct TrainArguments {
  std::string recipe;
  std::vector<std::string> overrides;
  bool fresh = false;
  bool dry_run = false;
};

void declare_train(CLI::App& app, TrainArguments& arguments) {
  app.add_option("--recipe", arguments.recipe, "YAML file that says what to do")->required();
  app.add_option("override", arguments.overrides,
                 "key=value: sets a key of the recipe, as schedule.epochs=5 or out=runs/first");
  app.add_flag("--fresh", arguments.fresh, "start over where OUT holds an earlier run");
  app.add_flag(
      "--dry-run", arguments.dry_run,
      "print the whole recipe, what it finds, its stages and the estimated time, and stop");
  app.footer(
      "Writes OUT/model.onnx, weights.safetensors, labels.csv, curves.csv, samples/ (what each "
      "stage shows) and\ntensorboard/. A run that was stopped goes on when the same command is "
      "given again.\n\nExample:\n"
      "  cairn train --recipe configs/demo.yaml data.root=build/demo/world out=build/demo/run\n\n"
      "Keys, defaults and meanings:\n" +
      run::recipe_help());
  app.callback([&arguments] {
    const run::Recipe recipe = run::load_recipe(arguments.recipe, arguments.overrides);
    run::keep_tensor_memory();
    if (arguments.dry_run) {
      fmt::print("{}", run::recipe_yaml(recipe));
      std::fflush(stdout);
      const std::string description = run::describe_run(recipe);
      fmt::print("\n{}", description);
      return;
    }
    run::train(recipe, {arguments.fresh, {}});
  });
}

int run_program(int argc, char** argv) {
  CLI::App app("Training for cairn (started as `cairn train …` and `cairn model import …`).",
               "cairn");
  app.set_version_flag("--version", "cairn-train " CAIRN_VERSION);
  app.require_subcommand(1);
  TrainArguments arguments;
  declare_train(*app.add_subcommand("train", "train an embedding network from a recipe"),
                arguments);
  declare_model(*app.add_subcommand("model", "make a model of a checkpoint"));
  return run_app(app, argc, argv);
}

}  // namespace
}  // namespace cairn::apps

int main(int argc, char** argv) { return cairn::apps::run_program(argc, argv); }
