#include "cairn/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "cairn/base/error.h"
#include "cairn/base/thread_pool.h"
#include "cairn/dataset/gld_root.h"
#include "cairn/dataset/photos.h"
#include "cairn/report/choose.h"
#include "cairn/report/html.h"
#include "cairn/report/names.h"
#include "cairn/report/run.h"
#include "cairn/report/sections.h"
#include "cairn/report/style.h"
#include "cairn/report/thumbnails.h"

namespace cairn::report {
namespace {

namespace fs = std::filesystem;

// Pixels; twice what the page shows, for sharp screens.
constexpr int kThumbnailSide = 240;

LandmarkNames read_names(const dataset::GldRoot& root) {
  LandmarkNames names;
  for (const char* table : {"train/train_label_to_category.csv", "train_label_to_category.csv",
                            "index/index_label_to_category.csv", "index_label_to_category.csv"}) {
    if (fs::exists(root.root / table)) names.add(root.root / table);
  }
  return names;
}

std::vector<Run> load_runs(const ReportOptions& options, const Solutions& solutions) {
  if (options.runs.empty()) throw Error("a report needs at least one --run NAME=FOLDER");
  std::vector<Run> runs;
  for (const auto& [name, folder] : options.runs) {
    const bool repeated =
        std::any_of(runs.begin(), runs.end(), [&](const Run& run) { return run.name == name; });
    if (repeated) throw Error("--run " + name + ": the name is there twice");
    runs.push_back(load_run(name, folder, solutions));
  }
  for (const auto& [name, file] : options.curves) {
    const auto run = std::find_if(runs.begin(), runs.end(),
                                  [&](const Run& candidate) { return candidate.name == name; });
    if (run == runs.end()) throw Error("--curves " + name + ": there is no --run of this name");
    run->curves = read_curves(file);
  }
  return runs;
}

// Gathers what is shown of the queries; pictures come last, on all threads.
class QuerySheet {
 public:
  QuerySheet(const dataset::GldRoot& root, const Solutions& solutions, const Run& run)
      : names_(read_names(root)), queries_(root.test), index_(root.index), run_(run) {
    for (const dataset::RetrievalSolution& row : solutions.retrieval) {
      if (!row.images.empty()) relevant_[row.id].insert(row.images.begin(), row.images.end());
    }
    if (root.index_table.empty()) return;
    for (const dataset::Label& label : dataset::read_labels(root.index_table)) {
      landmark_of_[label.id] = label.landmark;
    }
  }

  ShownQuery show(const Choice& choice, size_t images) {
    const eval::RecognitionResult& result = run_.recognition.results[choice.result];
    ShownQuery query;
    query.id = result.id;
    query.verdict = choice.verdict;
    for (const int64_t landmark : result.truth) {
      query.truth += (query.truth.empty() ? "" : ", ") + names_.of(landmark);
    }
    if (result.predicted) query.answer = names_.of(*result.predicted);
    query.confidence = result.confidence;
    if (const auto ap = run_.ap.find(result.id); ap != run_.ap.end()) query.ap = ap->second;
    if (const auto list = run_.images.find(result.id); list != run_.images.end()) {
      for (size_t i = 0; i < std::min(images, list->second.size()); ++i) {
        query.images.push_back(show_image(result.id, list->second[i]));
      }
    }
    return query;
  }

  void add_pictures(std::vector<ShownQuery>& shown, int threads) {
    std::vector<std::pair<fs::path, std::string*>> pictures;
    for (ShownQuery& query : shown) {
      pictures.emplace_back(queries_.find(query.id), &query.picture);
      for (ShownImage& image : query.images) {
        pictures.emplace_back(index_.find(image.id), &image.picture);
      }
    }
    parallel_each(pictures.size(), resolve_threads(threads), [&](size_t i) {
      *pictures[i].second = thumbnail(pictures[i].first, kThumbnailSide);
    });
  }

 private:
  ShownImage show_image(const std::string& query, const RetrievedImage& retrieved) const {
    ShownImage image;
    image.id = retrieved.id;
    image.score = retrieved.score;
    const auto landmark = landmark_of_.find(retrieved.id);
    image.caption = landmark == landmark_of_.end() ? "no label" : names_.of(landmark->second);
    const auto relevant = relevant_.find(query);
    if (relevant != relevant_.end()) image.right = relevant->second.contains(retrieved.id);
    return image;
  }

  LandmarkNames names_;
  PhotoFinder queries_;
  PhotoFinder index_;
  const Run& run_;
  std::unordered_map<std::string, std::unordered_set<std::string>> relevant_;
  std::unordered_map<std::string, int64_t> landmark_of_;
};

std::string section(const std::string& heading, const std::string& content,
                    const std::string& note) {
  if (content.empty()) return "";
  return fmt::format("<section>\n<h2>{}</h2>\n{}<p class=\"note\">{}</p>\n</section>\n", heading,
                     content, note);
}

std::string missing_note(const Run& run) {
  if (run.recognition.missing == 0 && run.retrieval.missing == 0) return "";
  return fmt::format(" {} recognition and {} retrieval queries have no answer and count as missed.",
                     run.recognition.missing, run.retrieval.missing);
}

}  // namespace

std::string make_report(const ReportOptions& options) {
  const dataset::GldRoot root(options.root);
  const Solutions solutions{
      dataset::read_recognition_solution(
          root.need(&dataset::GldRoot::recognition_solution, "test/recognition_solution_v2.1.csv")),
      dataset::read_retrieval_solution(
          root.need(&dataset::GldRoot::retrieval_solution, "test/retrieval_solution_v2.1.csv"))};
  const std::vector<Run> runs = load_runs(options, solutions);
  const Run& run = runs.back();
  QuerySheet sheet(root, solutions, run);
  std::vector<ShownQuery> shown;
  for (const Choice& choice : choose_queries(run, options.queries)) {
    shown.push_back(sheet.show(choice, options.images));
  }
  sheet.add_pictures(shown, options.threads);
  std::array<size_t, 5> totals = {};
  for (const auto& result : run.recognition.results) ++totals[static_cast<size_t>(judge(result))];

  const std::string name = escape(run.name);
  return fmt::format(
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n"
             "<p class=\"lead\">{2}</p>\n",
             escape(options.title), kStyle, summary(runs)) +
         section("Scores", score_table(runs),
                 "Higher is better, but for the mean position of the first relevant photo." +
                     missing_note(run)) +
         section("Training", training_charts(runs), "") +
         section("Confidence", confidence_chart(run),
                 "GAP ranks all answers by confidence: green should lie to the right of the rest. "
                 "Model: " +
                     name + ".") +
         section("Queries", query_cards(shown, totals),
                 "Beside each query its most similar index photos, best first, with their cosine "
                 "similarity where the run gives it. A green tick: shows the query's landmark. "
                 "Model: " +
                     name + ".") +
         "</main>\n</body>\n</html>\n";
}

}  // namespace cairn::report
