// Options that name files to write.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

namespace cairn::apps {

// Declares one. Before the command runs, a name is refused, as wrong use, whose file another of its
// options names too, or that belongs to an embedding folder, a dataset or a run that one names, or
// that is a photo: what a command reads it does not overwrite. Which options name what is told by
// their texts in the help (EMB, DIR, FILE, …).
CLI::Option* add_output(CLI::App& app, const std::string& name, std::string& file,
                        const std::string& help);

// Likewise an embedding folder to write.
CLI::Option* add_output_folder(CLI::App& app, const std::string& name,
                               std::filesystem::path& folder, const std::string& help);

}  // namespace cairn::apps
