#include "post_processing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/random.h"
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

using Votes = std::vector<std::optional<rank::Vote>>;
using Results = std::vector<eval::RecognitionResult>;

// A setting of the steps and what it answers on the part that is tuned on.
struct Candidate {
  PostOptions options;
  Results results;
};

class Tuner {
 public:
  Tuner(const PostInputs& inputs, const std::vector<dataset::RecognitionSolution>& solution,
        eval::Usage usage)
      : inputs_(inputs), solution_(solution), usage_(usage) {}

  Candidate of(const PostOptions& options) const {
    return {options, results(answer(inputs_, options), usage_)};
  }

  // The best of some settings, if one earns its place against `now`.
  Candidate better(const Candidate& now, const std::vector<PostOptions>& settings) const {
    Candidate best = now;
    double best_gain = 0;
    for (const PostOptions& options : settings) {
      Candidate candidate = of(options);
      const double sure_gain = lower_gain(now.results, candidate.results);
      if (sure_gain <= best_gain + kSame) continue;
      best_gain = sure_gain;
      best = std::move(candidate);
    }
    return best;
  }

  double gap_on(const PostOptions& options, eval::Usage usage) const {
    return eval::global_average_precision(results(answer(inputs_, options), usage));
  }

 private:
  Results results(const Votes& votes, eval::Usage usage) const {
    std::vector<eval::RecognitionAnswer> answers;
    const auto ids = inputs_.models[0].queries.ids;
    for (size_t q = 0; q < votes.size(); ++q) {
      eval::RecognitionAnswer one{ids[q], std::nullopt, 0};
      if (votes[q]) one = {ids[q], votes[q]->landmark, votes[q]->confidence};
      answers.push_back(one);
    }
    return eval::join_recognition(solution_, answers, usage).results;
  }

  // The gain in GAP that is left after a standard error, over redrawn sets of queries (bootstrap;
  // Efron 1979): a few hundred queries make most differences of settings chance.
  static double lower_gain(const Results& before, const Results& after) {
    constexpr int kRedrawn = 100;
    double sum = 0;
    double squares = 0;
    for (uint64_t i = 0; i < kRedrawn; ++i) {
      Rng random = Rng::for_stream(1, fnv1a("bootstrap"), i);
      Results a;
      Results b;
      for (size_t k = 0; k < before.size(); ++k) {
        const auto row = static_cast<size_t>(random.below(before.size()));
        a.push_back(before[row]);
        b.push_back(after[row]);
      }
      const double gain = eval::global_average_precision(b) - eval::global_average_precision(a);
      sum += gain;
      squares += gain * gain;
    }
    const double mean = sum / kRedrawn;
    return mean - std::sqrt(std::max(0.0, squares / kRedrawn - mean * mean));
  }

  const PostInputs& inputs_;
  const std::vector<dataset::RecognitionSolution>& solution_;
  const eval::Usage usage_;
};

// The settings of each step over those of the others. Each list begins with the author's values.
std::vector<PostOptions> penalties(const PostOptions& start) {
  std::vector<PostOptions> list;
  for (const size_t of_references : {5, 0, 1, 10, 20}) {
    for (const size_t of_queries : {10, 0, 1, 5, 20}) {
      if (of_references + of_queries == 0) continue;
      list.push_back(start);
      list.back().penalty.of_references = of_references;
      list.back().penalty.of_queries = of_queries;
    }
  }
  return list;
}

std::vector<PostOptions> object_rules(const PostOptions& start) {
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

std::vector<PostOptions> limits(const PostOptions& start) {
  std::vector<PostOptions> list;
  for (const size_t limit : {20, 10, 15, 30, 40, 60, 100, 200}) {
    list.push_back(start);
    list.back().limit = limit;
  }
  return list;
}

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
  const Tuner tuner(inputs, solution, usage);
  const eval::Usage rest =
      usage == eval::Usage::kPublic ? eval::Usage::kPrivate : eval::Usage::kPublic;
  PostOptions plain = start;
  plain.penalty.of_references = plain.penalty.of_queries = 0;
  plain.filter_objects = false;
  plain.limit = 0;
  const Candidate none = tuner.of(plain);
  Candidate all = none;
  const auto show = [&](const char* name, const Candidate& row) {
    fmt::print("{:<26} {:>8.4f} {:>8.4f}  {}\n", name, tuner.gap_on(row.options, usage),
               tuner.gap_on(row.options, rest), as_arguments(row.options));
  };
  struct Step {
    const char* name;
    std::vector<PostOptions> (*settings)(const PostOptions&);
    bool possible;
    const char* needs;
  };
  const Step steps[] = {
      {"+1 non-landmark penalty", penalties, inputs.models[0].nonlandmarks.count() > 0,
       "--nonlandmarks"},
      {"+2 detector filter", object_rules, !inputs.detections.empty(), "--detections"},
      {"+3 landmark limit", limits, true, ""}};
  fmt::print("{:<26} {:>8} {:>8}  {}\n", "GAP with", "tuned on", "the rest", "options");
  show("none", none);
  for (const Step& step : steps) {
    if (!step.possible) {
      fmt::print("{:<26} {:>8} {:>8}  needs {}\n", step.name, "-", "-", step.needs);
      continue;
    }
    show(step.name, tuner.better(none, step.settings(none.options)));
    all = tuner.better(all, step.settings(all.options));
  }
  show("all", all);
  fmt::print(
      "\nA step that gains less than its standard error on the queries tuned on stays off.\n"
      "chosen: {}\n",
      as_arguments(all.options));
  return all.options;
}

}  // namespace cairn::apps
