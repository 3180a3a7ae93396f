// cairn report: scores, curves and results of runs as one HTML page.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/files.h"
#include "cairn/base/log.h"
#include "cairn/report/report.h"
#include "commands.h"
#include "embeddings.h"
#include "numbers.h"
#include "output.h"

namespace cairn::apps {
namespace {

constexpr const char* kHelp = R"(
Writes one HTML page that needs no other file: the scores of the runs side by side, training curves,
and queries of the last run with their most similar index photos, the worst failures first.

A run is a folder with
  recognition.csv   written by cairn recognize
  retrieval.csv     written by cairn retrieve
  search.csv        optional, written by cairn search: similarities beside the photos
  curves.csv        optional, written by cairn train

Examples:
  cairn report --root gldv2 --run trained=results/ --out report.html
  cairn report --root world --run untrained=out/untrained --run trained=out/trained \
               --curves trained=runs/demo/curves.csv --title "Demo world" --out report.html)";

struct Options {
  std::vector<std::string> runs;
  std::vector<std::string> curves;
  std::string out;
  report::ReportOptions report;
};

report::ReportOptions::Named parse_named(const std::string& option, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    throw CLI::ValidationError(option, "\"" + text + "\" must be NAME=PATH");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

void report_command(Options& options) {
  for (const std::string& run : options.runs) {
    options.report.runs.push_back(parse_named("--run", run));
  }
  for (const std::string& curves : options.curves) {
    options.report.curves.push_back(parse_named("--curves", curves));
  }
  make_room_for(options.out);
  const std::string page = report::make_report(options.report);
  write_text_atomically(options.out, page);
  log_info(fmt::format("{}: {:.1f} MB", options.out, static_cast<double>(page.size()) / 1e6));
}

}  // namespace

void declare_report(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(kHelp);
  app.add_option("--root", options->report.root,
                 "dataset in the Google Landmarks v2 layout, with solutions in test/")
      ->option_text("DIR")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--run", options->runs,
                 "NAME=FOLDER; may be repeated, the last is shown in detail")
      ->option_text("NAME=DIR")
      ->required()
      ->allow_extra_args(false);
  app.add_option("--curves", options->curves, "NAME=FILE: curves of the run NAME from elsewhere")
      ->option_text("NAME=FILE")
      ->allow_extra_args(false);
  add_output(app, "--out", options->out, "HTML file to write")->required();
  app.add_option("--title", options->report.title, "heading of the page")->capture_default_str();
  app.add_option("--queries", options->report.queries, "queries to show")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_option("--images", options->report.images, "index photos beside each query")
      ->check(between(1, 20))
      ->capture_default_str();
  add_threads(app, options->report.threads);
  app.callback([options] { report_command(*options); });
}

}  // namespace cairn::apps
