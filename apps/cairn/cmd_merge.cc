// cairn merge: shards and other embedding folders to one.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/counted.h"
#include "cairn/base/error.h"
#include "cairn/base/log.h"
#include "cairn/embed/merge.h"
#include "commands.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Puts embedding folders of one model together: rows in id order, the skipped photos listed, the same
bytes as one run over all photos gives. A folder of shards (OUT of a sharded `cairn embed`) stands for
its shards; with it alone, the result goes into it. Rows are copied piece by piece, so that millions
need little memory. The folders stay as they are.

Refused: unfinished folders, missing shards, another model or other settings, ids that are there twice.

Examples:
  cairn merge emb
  cairn merge emb/train emb/index --out emb/all)";

struct Options {
  std::vector<std::string> folders;
  std::string out;
  bool force = false;
  bool json = false;
};

void merge_command(const Options& options) {
  if (options.out.empty() && options.folders.size() > 1) {
    throw Error("say with --out where the merged embeddings go");
  }
  const std::string out = options.out.empty() ? options.folders[0] : options.out;
  const embed::MergeSummary summary =
      embed::merge_embeddings({options.folders.begin(), options.folders.end()}, out, options.force);
  if (options.json) {
    const nlohmann::ordered_json result = {{"out", out},
                                           {"folders", summary.folders},
                                           {"embedded", summary.embedded},
                                           {"skipped", summary.skipped},
                                           {"dim", summary.dim}};
    fmt::print("{}\n", result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  log_info(fmt::format("{}: {} of {}, of {}", out, counted(summary.embedded, "embedding"),
                       counted(summary.dim, "number"), counted(summary.folders, "folder")));
}

}  // namespace

void declare_merge(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("folders", options->folders, "embedding folders, or folders of shards")
      ->option_text("DIR...")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--out", options->out,
                 "embedding folder to write (default: the folder, where it is one)")
      ->option_text("DIR");
  app.add_flag("--force", options->force, "replace the embeddings that are in --out");
  app.add_flag("--json", options->json, "print a summary on stdout");
  app.callback([options] { merge_command(*options); });
}

}  // namespace cairn::apps
