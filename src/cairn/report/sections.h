// The parts of the page as HTML.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cairn/report/choose.h"
#include "cairn/report/run.h"

namespace cairn::report {

// A sentence or two: what the last run reached, and how much better than the first that is.
std::string summary(std::span<const Run> runs);

// A row a run, the best of each column marked.
std::string score_table(std::span<const Run> runs);

// Loss, validation scores and learning rate of the runs that have curves; empty where none has.
std::string training_charts(std::span<const Run> runs);

// How confident right, wrong and unasked-for answers are.
std::string confidence_chart(const Run& run);

// One photo beside a query. picture is a data: URI, empty for a photo that is not there.
struct ShownImage {
  std::string id;
  std::string picture;
  std::string caption;
  std::optional<double> score;
  std::optional<bool> right;  // nothing: the query's images are not scored
};

struct ShownQuery {
  std::string id;
  std::string picture;
  Verdict verdict = Verdict::kRight;
  std::string truth;   // landmark names, or empty
  std::string answer;  // a landmark name, or empty
  double confidence = 0;
  std::optional<double> ap;
  std::vector<ShownImage> images;
};

// Cards under a heading for each verdict; totals[v] is how many queries of the run have verdict v.
std::string query_cards(const std::vector<ShownQuery>& queries, std::span<const size_t> totals);

}  // namespace cairn::report
