// cairn: landmark recognition and retrieval from the command line. A table of commands; each is one
// file.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "help.h"
#include "run_app.h"

namespace cairn::apps {

std::span<const Command> commands() {
  static const std::vector<Command> kCommands = {
      {"embed", "turn photos into embeddings", declare_embed},
      {"merge", "put shards and other embedding folders together", declare_merge},
      {"detect", "find objects in photos, to tell what is no landmark", declare_detect},
      {"index", "make searching embeddings fast", declare_index},
      {"search", "find the most similar photos, as a table", declare_search},
      {"recognize", "name the landmark of each photo, as a submission", declare_recognize},
      {"retrieve", "find the most similar photos, as a submission", declare_retrieve},
      {"eval", "score a submission", declare_eval},
      {"report", "show scores, curves and results as an HTML page", declare_report},
      {"model", "look into an ONNX file, annotate or quantise it, or make one of a checkpoint",
       declare_model},
      {"lists", "make the photo lists of a dataset that training reads", declare_lists},
      {"synth", "draw a small landmark world for demos and tests", declare_synth},
      {"bench", "measure how fast this machine runs a model", declare_bench},
  };
  return kCommands;
}

namespace {

// `cairn train …` and `cairn model import …` are the program cairn-train, which needs LibTorch; it
// lies beside this one or on the PATH.
int start_trainer(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  arguments.push_back(nullptr);
  std::error_code failed;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const std::string beside = failed ? "" : (self.parent_path() / "cairn-train").string();
  std::string name = "cairn-train";
  arguments[0] = name.data();
  if (!beside.empty() && ::access(beside.c_str(), X_OK) == 0)
    ::execv(beside.c_str(), arguments.data());
  ::execvp(name.c_str(), arguments.data());
  fmt::print(stderr,
             "cairn {}: the program cairn-train is not installed (it is built with "
             "-DCAIRN_TRAIN=ON)\n",
             argv[1]);
  return kFailed;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Landmark recognition and retrieval.\n\nA first run:\n"
      "  cairn embed --model model.onnx --images photos/ --out emb/\n"
      "  cairn COMMAND --help     options and examples of a command",
      "cairn");
  app.set_version_flag("--version", "cairn " CAIRN_VERSION);
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(1);
  for (const Command& command : commands())
    command.declare(*app.add_subcommand(command.name, command.summary));
  app.add_subcommand("train", "train an embedding network from a recipe (cairn train --help)");
  const auto named = [&](const Command& command) {
    return std::string_view(command.name) == argv[1];
  };
  if (argc > 1 && argv[1][0] != '-' && std::ranges::none_of(commands(), named)) {
    fmt::print(stderr, "cairn: there is no command {}; cairn --help lists them\n", argv[1]);
    return kWrongUse;
  }
  return run_app(app, argc, argv);
}

}  // namespace
}  // namespace cairn::apps

int main(int argc, char** argv) {
  const auto is = [&](int i, std::string_view word) { return argc > i && argv[i] == word; };
  if (is(1, "train") || (is(1, "model") && is(2, "import")))
    return cairn::apps::start_trainer(argc, argv);
  return cairn::apps::run(argc, argv);
}
