// Parsing and error handling that cairn and cairn-train share.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>
#include <string>

#include "cairn/base/error.h"

namespace cairn::apps {

constexpr int kFailed = 1;    // the work failed: what the user can mend
constexpr int kWrongUse = 2;  // wrong options

// The command that was chosen, as the user would write it: "cairn model quantize".
inline std::string chosen_command(const CLI::App& app) {
  std::string name = app.get_name();
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    name += " " + at->get_name();
  }
  return name;
}

// Parses the arguments, runs the chosen command, and returns the exit code. Whatever is thrown ends
// in one line on stderr.
inline int run_app(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUse;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "{}: out of memory\n", chosen_command(app));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", chosen_command(app), error.what());
  }
  return kFailed;
}

}  // namespace cairn::apps
