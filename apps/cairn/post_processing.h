// The steps of `cairn recognize` after the search, each switchable, and the search for their
// thresholds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cairn/dataset/solutions.h"
#include "cairn/detect/detections_csv.h"
#include "cairn/eval/scoring.h"
#include "cairn/rank/filters.h"
#include "cairn/rank/nonlandmark.h"

namespace cairn::apps {

struct PostOptions {
  rank::PenaltyOptions penalty{.of_references = 0, .of_queries = 0};
  bool filter_objects = false;
  rank::ObjectRule objects;
  size_t limit = 0;  // answers a landmark; 0: any number
  rank::Rejected rejected = rank::Rejected::kEmpty;
};

// The options that say the same on the command line.
std::string as_arguments(const PostOptions& options);

// What the steps work on. Detections in the order of the queries; a photo that nobody looked at has
// width 0 and is never filtered.
struct PostInputs {
  std::vector<rank::ModelRows> models;
  std::vector<detect::PhotoDetections> detections;
};

std::vector<std::optional<rank::Vote>> answer(const PostInputs& inputs, const PostOptions& options);

// Searches the thresholds of each step on the queries of one usage, prints a table of the GAP with
// none, each and all of the steps on that part and on the rest, and returns the last. For "all" the
// steps are tuned one after another; a step is used only where its gain exceeds its standard error.
PostOptions tune(const PostInputs& inputs,
                 const std::vector<dataset::RecognitionSolution>& solution, eval::Usage usage,
                 const PostOptions& start);

}  // namespace cairn::apps
