// The HTML report: scores of one or several runs, training curves, and queries with their results.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cairn::report {

struct ReportOptions {
  std::filesystem::path root;  // of a dataset in the Google Landmarks v2 layout
  struct Named {
    std::string name;
    std::filesystem::path path;
  };
  // Folders with recognition.csv and retrieval.csv, and optionally search.csv and curves.csv. The
  // first is the baseline of the summary, the last the one whose queries are shown.
  std::vector<Named> runs;
  std::vector<Named> curves;  // further curves.csv files; a run's name adds them to that run
  std::string title = "Landmark report";
  size_t queries = 20;
  size_t images = 5;  // beside each query, at most 20
  int threads = 0;    // 0: all available cores
};

// One HTML page that needs no other file: styles, charts and thumbnails are inside. Texts from
// tables are escaped. Photos that are missing or broken are shown as such. Throws Error where
// tables are missing or malformed.
std::string make_report(const ReportOptions& options);

}  // namespace cairn::report
