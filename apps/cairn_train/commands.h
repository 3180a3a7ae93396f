// The commands of cairn-train beside training; each is one file.
#pragma once

#include <CLI/CLI.hpp>

namespace cairn::apps {

void declare_model(CLI::App& app);  // cmd_import.cc

}  // namespace cairn::apps
