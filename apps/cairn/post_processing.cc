#include "post_processing.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/eval/gap.h"

namespace cairn::apps {
namespace {

constexpr double kSame = 1e-4;  // GAPs that differ by less are the same

std::vector<std::optional<rank::Vote>> filtered(std::vector<std::optional<rank::Vote>> votes,
                                                const PostInputs& inputs,
                                                const PostOptions& options) {
  if (options.filter_objects) {
    std::vector<bool> rejected(votes.size(), false);
    for (size_t q = 0; q < votes.size(); ++q) {
      const detect::PhotoDetections& photo = inputs.detections[q];
      std::vector<rank::ObjectBox> boxes;
      for (const detect::Detection& one : photo.objects)
        boxes.push_back({one.x1, one.y1, one.x2, one.y2, one.confidence});
      rejected[q] =
          photo.width > 0 && rank::shows_objects(boxes, photo.width, photo.height, options.objects);
    }
    rank::reject(votes, rejected, options.rejected);
  }
  rank::reject(votes, rank::named_too_often(votes, options.limit), options.rejected);
  return votes;
}

// Scores answers on one part of a solution.
class Scorer {
 public:
  Scorer(const PostInputs& inputs, const std::vector<dataset::RecognitionSolution>& solution)
      : ids_(inputs.models[0].queries.ids), solution_(solution) {}

  double gap(const std::vector<std::optional<rank::Vote>>& votes, eval::Usage usage) const {
    std::vector<eval::RecognitionAnswer> answers;
    for (size_t q = 0; q < votes.size(); ++q) {
      eval::RecognitionAnswer one{ids_[q], std::nullopt, 0};
      if (votes[q]) one = {ids_[q], votes[q]->landmark, votes[q]->confidence};
      answers.push_back(one);
    }
    return eval::global_average_precision(
        eval::join_recognition(solution_, answers, usage).results);
  }

 private:
  std::span<const std::string> ids_;
  const std::vector<dataset::RecognitionSolution>& solution_;
};

struct Candidate {
  PostOptions options;
  double gap = -1;
};

class Tuner {
 public:
  Tuner(const PostInputs& inputs, const std::vector<dataset::RecognitionSolution>& solution,
        eval::Usage usage)
      : inputs_(inputs), scorer_(inputs, solution), usage_(usage) {}

  // The best of the settings of the chosen steps; the first of those that are the same.
  Candidate best(const PostOptions& start, bool penalty, bool objects, bool limit) const {
    Candidate best;
    for (const PostOptions& by_penalty : penalties(start, penalty)) {
      const auto votes = rank::recognize_penalised(inputs_.models, by_penalty.penalty);
      for (const PostOptions& by_objects : object_rules(by_penalty, objects)) {
        for (const PostOptions& options : limits(by_objects, limit)) {
          const double gap = scorer_.gap(filtered(votes, inputs_, options), usage_);
          if (gap > best.gap + kSame) best = {options, gap};
        }
      }
    }
    return best;
  }

  double gap_on(const PostOptions& options, eval::Usage usage) const {
    return scorer_.gap(answer(inputs_, options), usage);
  }

 private:
  // Each list begins with the author's values.
  static std::vector<PostOptions> penalties(const PostOptions& start, bool on) {
    if (!on) return {start};
    std::vector<PostOptions> list;
    for (const size_t top_k : {3, 1, 5, 10}) {
      for (const size_t of_references : {5, 0, 1, 10, 20}) {
        for (const size_t of_queries : {10, 0, 1, 5, 20}) {
          if (of_references + of_queries == 0) continue;
          list.push_back(start);
          list.back().penalty.top_k = top_k;
          list.back().penalty.of_references = of_references;
          list.back().penalty.of_queries = of_queries;
        }
      }
    }
    return list;
  }

  static std::vector<PostOptions> object_rules(const PostOptions& start, bool on) {
    if (!on) return {start};
    std::vector<PostOptions> list;
    for (const double confidence : {0.5, 0.3, 0.7}) {
      for (const double share : {1 / 2.7, 0.25, 0.5, 0.7, 1.0}) {
        list.push_back(start);
        list.back().filter_objects = true;
        list.back().objects = {confidence, share};
      }
    }
    return list;
  }

  static std::vector<PostOptions> limits(const PostOptions& start, bool on) {
    if (!on) return {start};
    std::vector<PostOptions> list;
    for (const size_t limit : {20, 10, 15, 30, 40, 60, 100, 200}) {
      list.push_back(start);
      list.back().limit = limit;
    }
    return list;
  }

  const PostInputs& inputs_;
  const Scorer scorer_;
  const eval::Usage usage_;
};

}  // namespace

std::string as_arguments(const PostOptions& o) {
  std::string text = fmt::format("--top-k {} --penalty-references {} --penalty-queries {}",
                                 o.penalty.top_k, o.penalty.of_references, o.penalty.of_queries);
  if (o.filter_objects)
    text += fmt::format(" --min-confidence {} --max-box-area {:.4g}", o.objects.confidence,
                        o.objects.area_share);
  return text + fmt::format(" --max-per-landmark {} --rejected {}", o.limit,
                            o.rejected == rank::Rejected::kLast ? "last" : "empty");
}

std::vector<std::optional<rank::Vote>> answer(const PostInputs& inputs,
                                              const PostOptions& options) {
  return filtered(rank::recognize_penalised(inputs.models, options.penalty), inputs, options);
}

PostOptions tune(const PostInputs& inputs,
                 const std::vector<dataset::RecognitionSolution>& solution, eval::Usage usage,
                 const PostOptions& start) {
  const bool can_penalise = inputs.models[0].nonlandmarks.count() > 0;
  const bool can_detect = !inputs.detections.empty();
  const Tuner tuner(inputs, solution, usage);
  const eval::Usage rest =
      usage == eval::Usage::kPublic ? eval::Usage::kPrivate : eval::Usage::kPublic;
  struct Row {
    const char* name;
    bool penalty, objects, limit;
  };
  const Row rows[] = {{"none", false, false, false},
                      {"+1 non-landmark penalty", true, false, false},
                      {"+2 detector filter", false, true, false},
                      {"+3 landmark limit", false, false, true},
                      {"all", true, true, true}};
  PostOptions plain = start;
  plain.penalty.of_references = plain.penalty.of_queries = 0;
  plain.filter_objects = false;
  plain.limit = 0;
  Candidate winner;
  fmt::print("{:<26} {:>8} {:>8}  {}\n", "steps", "tuned on", "the rest", "options");
  for (const Row& row : rows) {
    if ((row.penalty && !can_penalise) || (row.objects && !can_detect)) {
      fmt::print("{:<26} {:>8} {:>8}  needs {}\n", row.name, "-", "-",
                 row.penalty && !can_penalise ? "--nonlandmarks" : "--detections");
      continue;
    }
    const Candidate found = tuner.best(plain, row.penalty, row.objects, row.limit);
    fmt::print("{:<26} {:>8.4f} {:>8.4f}  {}\n", row.name, found.gap,
               tuner.gap_on(found.options, rest), as_arguments(found.options));
    if (found.gap > winner.gap + kSame) winner = found;
  }
  fmt::print("\nchosen: {}\n", as_arguments(winner.options));
  return winner.options;
}

}  // namespace cairn::apps
