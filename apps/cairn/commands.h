// The commands of the program: one function and one file (cmd_NAME.cc) each.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

namespace cairn::apps {

// Gets the options of one command (`app` is already named) and runs it after parsing.
struct Command {
  const char* name;
  const char* summary;
  // Declares options on app and sets app.callback(…) to the work. The work throws cairn::Error for
  // what the user can mend (exit code 1); CLI11 reports wrong use (exit code 2).
  void (*declare)(CLI::App& app);
};

std::span<const Command> commands();

// The names of a table of choices, for CLI::IsMember.
std::vector<std::string> names_of(const auto& table) {
  std::vector<std::string> all;
  for (const auto& [name, value] : table) all.push_back(name);
  return all;
}

void declare_embed(CLI::App& app);
void declare_merge(CLI::App& app);
void declare_detect(CLI::App& app);
void declare_model(CLI::App& app);
void declare_index(CLI::App& app);
void declare_search(CLI::App& app);
void declare_recognize(CLI::App& app);
void declare_retrieve(CLI::App& app);
void declare_eval(CLI::App& app);
// A subcommand of bench, and a task of eval, in files of their own.
void declare_bench_photos(CLI::App& app);
void declare_eval_revisited(CLI::App& app);
// Likewise of model.
void declare_model_quantize(CLI::App& app);
void declare_report(CLI::App& app);
void declare_lists(CLI::App& app);
void declare_synth(CLI::App& app);
void declare_bench(CLI::App& app);

}  // namespace cairn::apps
