#include "cairn/report/run.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "cairn/base/csv.h"
#include "cairn/base/error.h"

namespace cairn::report {
namespace {

namespace fs = std::filesystem;

// How many images a query keeps: more than a page shows of one query.
constexpr size_t kKeptImages = 20;

std::optional<double> number_of(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

double require_number(const std::string& text, const char* column, const CsvReader& table) {
  const std::optional<double> value = number_of(text);
  if (!value) {
    throw Error(table.where() + ": the " + column + " \"" + text + "\" is not a number");
  }
  return *value;
}

void read_hits(const fs::path& file, Run& run) {
  CsvReader table(file);
  const size_t query = table.column("query");
  const size_t rank = table.column("rank");
  const size_t id = table.column("id");
  const size_t score = table.column("score");
  std::vector<std::string> fields;
  while (table.next(fields)) {
    if (require_number(fields[rank], "rank", table) > static_cast<double>(kKeptImages)) continue;
    run.images[fields[query]].push_back(
        {fields[id], require_number(fields[score], "score", table)});
  }
}

}  // namespace

std::vector<Curve> read_curves(const fs::path& file) {
  CsvReader table(file);
  std::vector<Curve> curves;
  for (const std::string& column : table.header()) curves.push_back({column, {}});
  const bool has_epochs = table.has_column("epoch");
  const size_t epoch_column = has_epochs ? table.column("epoch") : 0;
  std::vector<std::string> fields;
  for (double row = 1; table.next(fields); ++row) {
    const double x = has_epochs ? require_number(fields[epoch_column], "epoch", table) : row;
    for (size_t i = 0; i < curves.size(); ++i) {
      const std::optional<double> value = number_of(fields[i]);
      if (value) curves[i].points.push_back({x, *value});
    }
  }
  return curves;
}

Run load_run(const std::string& name, const fs::path& folder, const Solutions& solutions) {
  Run run;
  run.name = name;
  const auto answers = eval::read_recognition_submission(folder / "recognition.csv");
  const auto lists = eval::read_retrieval_submission(folder / "retrieval.csv");
  run.recognition = eval::join_recognition(solutions.recognition, answers, eval::Usage::kAll);
  run.retrieval = eval::join_retrieval(solutions.retrieval, lists, eval::Usage::kAll);
  run.gap = eval::global_average_precision(run.recognition.results);
  run.top1 = eval::top1_accuracy(run.recognition.results);
  run.retrieval_scores = eval::score_retrieval(run.retrieval.results);
  for (size_t i = 0; i < run.retrieval.results.size(); ++i) {
    run.ap[run.retrieval.results[i].id] = run.retrieval_scores.ap[i];
  }
  if (fs::exists(folder / "search.csv")) {
    read_hits(folder / "search.csv", run);
  } else {
    for (const eval::RetrievalAnswer& list : lists) {
      std::vector<RetrievedImage>& images = run.images[list.id];
      for (size_t i = 0; i < std::min(kKeptImages, list.images.size()); ++i) {
        images.push_back({list.images[i], std::nullopt});
      }
    }
  }
  if (fs::exists(folder / "curves.csv")) run.curves = read_curves(folder / "curves.csv");
  return run;
}

}  // namespace cairn::report
