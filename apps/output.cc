#include "output.h"

#include <fmt/format.h>

#include <vector>

#include "cairn/base/files.h"
#include "cairn/dataset/gld_root.h"
#include "cairn/dataset/photos.h"
#include "cairn/embed/embedding_set.h"
#include "cairn/search/graph_index.h"
#include "cairn/search/kept_neighbours.h"
#include "cairn/search/stored_index.h"

namespace cairn::apps {
namespace {

// What a command reads in a folder that an option of this text names.
std::vector<fs::path> files_in(const std::string& text, const fs::path& folder) {
  if (!fs::is_directory(folder)) return {};
  std::vector<fs::path> files;
  if (text == "EMB") {
    files = {folder / search::kIndexFile, folder / search::kGraphFile,
             folder / search::kNeighboursFile, folder / search::kNearestFile};
    for (const char* name : embed::kSetFiles) files.push_back(folder / name);
  } else if (text == "NAME=DIR") {
    files = {folder / "recognition.csv", folder / "retrieval.csv", folder / "search.csv",
             folder / "curves.csv"};
  } else {
    const dataset::GldRoot root(folder);
    files = {root.train_table,       root.train_clean_table, root.train_categories,
             root.index_table,       root.index_categories,  root.recognition_solution,
             root.retrieval_solution};
  }
  return files;
}

// Why the command must not write the file that the option `name` gives; "": it may.
std::string objection(const CLI::App& app, const std::string& name, const std::string& file) {
  if (fs::exists(file) && !fs::is_regular_file(file)) return "";  // a device, say
  const auto because = [&](const std::string& reason) {
    return fmt::format("{} would be overwritten: {}; choose another file", file, reason);
  };
  if (fs::exists(file) && dataset::looks_like_photo(file)) return because("it is a photo");
  for (const CLI::Option* option : app.get_options()) {
    const std::string& text = option->get_option_text();
    const bool names_files = text.find("FILE") != std::string::npos ||
                             text.find("DIR") != std::string::npos || text == "EMB";
    if (!names_files || option->check_name(name)) continue;
    for (const std::string& value : option->results()) {
      // After NAME=, where there is one.
      const std::string path =
          text.starts_with("NAME=") ? value.substr(value.find('=') + 1) : value;
      if (same_file(file, path)) return because("it is given as " + option->get_name());
      for (const fs::path& read : files_in(text, path))
        if (same_file(file, read))
          return because(fmt::format("it belongs to {}, given as {}", path, option->get_name()));
    }
  }
  return "";
}

}  // namespace

CLI::Option* add_output(CLI::App& app, const std::string& name, std::string& file,
                        const std::string& help) {
  const auto check = [&app, name](std::string& given) { return objection(app, name, given); };
  return app.add_option(name, file, help)
      ->option_text("FILE")
      ->check(CLI::Validator(check, "", "output"));
}

CLI::Option* add_output_folder(CLI::App& app, const std::string& name, fs::path& folder,
                               const std::string& help) {
  const auto check = [&app, name](std::string& given) {
    std::string objections;
    for (const char* file : embed::kSetFiles)
      if (objections.empty()) objections = objection(app, name, (fs::path(given) / file).string());
    return objections;
  };
  return app.add_option(name, folder, help)
      ->option_text("DIR")
      ->check(CLI::Validator(check, "", "output"));
}

}  // namespace cairn::apps
