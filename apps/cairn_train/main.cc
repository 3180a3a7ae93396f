// cairn-train: the commands that need LibTorch. `cairn train …` and `cairn model import …` start
// it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "cairn_train/run/allocator.h"
#include "cairn_train/run/dry_run.h"
#include "cairn_train/run/pipeline.h"
#include "cairn_train/run/recipe.h"
#include "cairn_train/run/trainer.h"
#include "commands.h"
#include "run_app.h"

namespace cairn::apps {
namespace {

struct TrainArguments {
  std::string recipe;
  std::vector<std::string> then;
  std::string pipeline;
  std::vector<std::string> overrides;
  bool fresh = false;
  bool dry_run = false;
};

void train_recipe(const TrainArguments& arguments) {
  if (arguments.recipe.empty()) throw CLI::RequiredError("--recipe or --pipeline");
  const run::Recipe recipe = run::load_recipe(arguments.recipe, arguments.overrides);
  if (!arguments.dry_run) {
    run::train(recipe, {arguments.fresh, {}});
    return;
  }
  fmt::print("{}", run::recipe_yaml(recipe));
  std::fflush(stdout);
  const std::string description = run::describe_run(recipe);
  fmt::print("\n{}", description);
}

void train_pipeline(const TrainArguments& arguments) {
  run::Pipeline pipeline;
  if (!arguments.pipeline.empty()) {
    pipeline = run::load_pipeline(arguments.pipeline, arguments.overrides);
  } else {
    std::vector<std::filesystem::path> recipes = {arguments.recipe};
    recipes.insert(recipes.end(), arguments.then.begin(), arguments.then.end());
    pipeline = run::chain_recipes(recipes, arguments.overrides);
  }
  if (arguments.dry_run) {
    fmt::print("{}", run::describe_pipeline(pipeline));
  } else {
    run::run_pipeline(pipeline, {arguments.fresh, {}});
  }
}

void declare_train(CLI::App& app, TrainArguments& arguments) {
  auto* recipe = app.add_option("--recipe", arguments.recipe, "YAML file that says what to do");
  app.add_option("--then", arguments.then,
                 "further recipe, from the weights of the one before; again for more")
      ->option_text("RECIPE")
      ->allow_extra_args(false)
      ->needs(recipe);
  app.add_option("--pipeline", arguments.pipeline,
                 "YAML file that lists recipes to run one after another")
      ->option_text("FILE")
      ->excludes(recipe);
  app.add_option("override", arguments.overrides,
                 "key=value: sets a key of the recipe, as schedule.epochs=5 or out=runs/first");
  app.add_flag("--fresh", arguments.fresh, "start over where OUT holds an earlier run");
  app.add_flag(
      "--dry-run", arguments.dry_run,
      "print the whole recipe, what it finds, its stages and the estimated time, and stop");
  app.footer(
      "Writes OUT/model.onnx, weights.safetensors, labels.csv, curves.csv, samples/ (what each "
      "stage shows) and\ntensorboard/. A run that was stopped goes on when the same command is "
      "given again.\n\nSeveral recipes run in OUT/1-NAME, OUT/2-NAME, …, each from the weights of "
      "the "
      "one before; landmarks keep\ntheir class centres. Finished ones are passed "
      "over.\n\nExamples:\n"
      "  cairn train --recipe configs/demo.yaml data.root=build/demo/world out=build/demo/run\n"
      "  cairn train --recipe a.yaml --then b.yaml --then c.yaml data.root=gldv2 out=runs/abc\n"
      "  cairn train --pipeline configs/gldv2/SER101ibn/pipeline.yaml data.root=gldv2\n\n"
      "Keys, defaults and meanings:\n" +
      run::recipe_help());
  app.callback([&arguments] {
    run::keep_tensor_memory();
    if (arguments.then.empty() && arguments.pipeline.empty()) {
      train_recipe(arguments);
    } else {
      train_pipeline(arguments);
    }
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
