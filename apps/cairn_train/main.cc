// cairn-train: the commands that need LibTorch. `cairn train …` and `cairn model import …` start
// it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cairn/base/log.h"
#include "cairn_train/run/allocator.h"
#include "cairn_train/run/distributed/job.h"
#include "cairn_train/run/dry_run.h"
#include "cairn_train/run/pipeline.h"
#include "cairn_train/run/recipe.h"
#include "cairn_train/run/trainer.h"
#include "commands.h"
#include "help.h"
#include "interrupt.h"
#include "launch.h"
#include "numbers.h"
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
  int processes = 1;
  int exit_code = 0;  // of the processes that were started
};

run::Pipeline pipeline_of(const TrainArguments& arguments) {
  if (!arguments.pipeline.empty())
    return run::load_pipeline(arguments.pipeline, arguments.overrides);
  std::vector<std::filesystem::path> recipes = {arguments.recipe};
  recipes.insert(recipes.end(), arguments.then.begin(), arguments.then.end());
  return run::chain_recipes(recipes, arguments.overrides);
}

void print_plan(const TrainArguments& arguments, bool chained) {
  if (chained) {
    fmt::print("{}", run::describe_pipeline(pipeline_of(arguments)));
    return;
  }
  const run::Recipe recipe = run::load_recipe(arguments.recipe, arguments.overrides);
  fmt::print("{}", run::recipe_yaml(recipe));
  std::fflush(stdout);
  const std::string description = run::describe_run(recipe);
  fmt::print("\n{}", description);
}

void train_here(TrainArguments& arguments, bool chained) {
  catch_interrupts();
  const auto as_rank = [&](double timeout, const auto& train) {
    run::run_job(timeout, [&](const run::Ranks& ranks) {
      if (!ranks.first()) set_log_level(LogLevel::kWarning);
      try {
        train(run::TrainOptions{arguments.fresh, {}, interrupted, &ranks});
      } catch (const run::Stopped& stopped) {  // all ranks alike; one says so
        if (ranks.first()) fmt::print(stderr, "cairn train: {}\n", stopped.what());
        arguments.exit_code = kFailed;
      }
    });
  };
  if (chained) {
    const run::Pipeline pipeline = pipeline_of(arguments);
    double timeout = 0;
    for (const auto& stage : pipeline.stages)
      timeout = std::max(timeout, stage.recipe.distributed.timeout);
    as_rank(timeout,
            [&](const run::TrainOptions& options) { run::run_pipeline(pipeline, options); });
  } else {
    const run::Recipe recipe = run::load_recipe(arguments.recipe, arguments.overrides);
    as_rank(recipe.distributed.timeout,
            [&](const run::TrainOptions& options) { run::train(recipe, options); });
  }
}

void declare_train(CLI::App& app, TrainArguments& arguments, int argc, char** argv) {
  auto* recipe = app.add_option("--recipe", arguments.recipe, "YAML file that says what to do")
                     ->option_text("FILE");
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
  app.add_option("--processes", arguments.processes,
                 "processes on this machine that train together, each on its part of every batch")
      ->check(between(1, 1024));
  app.footer(
      "Writes OUT/model.onnx, weights.safetensors, labels.csv, curves.csv, samples/ (what each "
      "stage shows) and\ntensorboard/. A run that was stopped goes on when the same command is "
      "given again; Ctrl-C and SIGTERM first write a checkpoint.\n\nSeveral recipes run in "
      "OUT/1-NAME, OUT/2-NAME, …, each from the weights of "
      "the "
      "one before; landmarks keep\ntheir class centres. Finished ones are passed "
      "over.\n\nExamples:\n"
      "  cairn train --recipe configs/demo.yaml data.root=build/demo/world out=build/demo/run\n"
      "  cairn train --recipe a.yaml --then b.yaml --then c.yaml data.root=gldv2 out=runs/abc\n"
      "  cairn train --pipeline configs/gldv2/SER101ibn/pipeline.yaml data.root=gldv2\n\n"
      "Several processes train together where torchrun, Slurm or Kubernetes set RANK, WORLD_SIZE, "
      "LOCAL_RANK,\nMASTER_ADDR and MASTER_PORT, or, on one machine, with --processes:\n"
      "  cairn train --processes 2 --recipe configs/demo.yaml data.root=… out=…\n"
      "  torchrun --no-python --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint "
      "HOST:29400 \\\n    cairn train --recipe …\n"
      "  srun --ntasks-per-node 4 cairn train --recipe …\n\n"
      "Keys, defaults and meanings:\n" +
      run::recipe_help());
  app.callback([&arguments, argc, argv] {
    if (arguments.recipe.empty() && arguments.pipeline.empty())
      throw CLI::RequiredError("--recipe or --pipeline");
    const bool chained = !arguments.then.empty() || !arguments.pipeline.empty();
    run::keep_tensor_memory();
    if (arguments.dry_run) {
      print_plan(arguments, chained);
    } else if (arguments.processes > 1) {
      arguments.exit_code = launch(arguments.processes, argc, argv);
    } else {
      train_here(arguments, chained);
    }
  });
}

int run_program(int argc, char** argv) {
  CLI::App app("Training for cairn (started as `cairn train …` and `cairn model import …`).",
               "cairn");
  app.set_version_flag("--version", "cairn-train " CAIRN_VERSION);
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(1);
  TrainArguments arguments;
  declare_train(*app.add_subcommand("train", "train an embedding network from a recipe"), arguments,
                argc, argv);
  declare_model(*app.add_subcommand("model", "make a model of a checkpoint"));
  const int code = run_app(app, argc, argv);
  return code != 0 ? code : arguments.exit_code;
}

}  // namespace
}  // namespace cairn::apps

int main(int argc, char** argv) try {
  const int code = cairn::apps::run_program(argc, argv);
  if (code == 0) return 0;
  std::fflush(nullptr);
  std::_Exit(code);  // see run_job(): a failed rank must not wait for the others
} catch (...) {      // before a command could run: run_app() answers for all else
  std::fputs("cairn: cairn-train could not start (out of memory?)\n", stderr);
  std::_Exit(cairn::apps::kFailed);
}
