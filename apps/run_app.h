// Parsing and error handling that cairn and cairn-train share.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>

#include "cairn/base/error.h"

namespace cairn::apps {

constexpr int kFailed = 1;    // the work failed: what the user can mend
constexpr int kWrongUse = 2;  // wrong options

// Parses the arguments, runs the chosen command, and returns the exit code. Whatever is thrown ends
// in one line on stderr.
inline int run_app(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUse;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "cairn {}: out of memory\n", argv[1]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "cairn {}: {}\n", argv[1], error.what());
  }
  return kFailed;
}

}  // namespace cairn::apps
