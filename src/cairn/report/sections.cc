#include "cairn/report/sections.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/report/charts.h"
#include "cairn/report/html.h"

namespace cairn::report {
namespace {

size_t landmark_queries(const Run& run) {
  const auto& results = run.recognition.results;
  return static_cast<size_t>(std::count_if(results.begin(), results.end(),
                                           [](const auto& r) { return !r.truth.empty(); }));
}

struct Column {
  const char* name;
  const char* meaning;
  double (*value)(const Run& run);
  bool lower_is_better;
};

constexpr Column kColumns[] = {
    {"GAP", "global average precision of the recognition answers",
     [](const Run& run) { return run.gap; }, false},
    {"top-1", "share of the landmark queries named right", [](const Run& run) { return run.top1; },
     false},
    {"mAP@100", "mean average precision of the first 100 retrieved images",
     [](const Run& run) { return run.retrieval_scores.map; }, false},
    {"P@10", "mean share of relevant images among the first 10",
     [](const Run& run) { return run.retrieval_scores.mean_precision.at(9); }, false},
    {"CMC@1", "share of the queries whose first image is relevant",
     [](const Run& run) { return run.retrieval_scores.cmc.at(0); }, false},
    {"CMC@10", "share of the queries with a relevant image among the first 10",
     [](const Run& run) { return run.retrieval_scores.cmc.at(9); }, false},
    {"mean position", "of the first relevant image; 101 where there is none among the first 100",
     [](const Run& run) { return run.retrieval_scores.mean_position; }, true},
};

std::string shown(double value, const Column& column) {
  return column.lower_is_better ? fmt::format("{:.1f}", value) : fmt::format("{:.3f}", value);
}

bool ends_with_loss(const std::string& column) { return column.ends_with("loss"); }
bool is_score(const std::string& column) {
  return column.starts_with("val_") && !ends_with_loss(column);
}
bool is_learning_rate(const std::string& column) { return column == "lr"; }

std::string shown_name(const std::string& column) {
  if (column == "train_loss") return "training";
  if (column == "val_loss") return "validation";
  if (column == "val_top1") return "top-1";
  if (column == "val_gap") return "GAP";
  if (column == "val_map") return "mAP";
  return column;
}

// The columns that fit, of all runs. With one run each column has its colour; with several each run
// has, and its columns are solid, dashed and dotted.
std::vector<Line> lines_of(std::span<const Run> runs, bool (*fits)(const std::string&)) {
  std::vector<Line> lines;
  const bool several = std::count_if(runs.begin(), runs.end(),
                                     [](const Run& run) { return !run.curves.empty(); }) > 1;
  for (size_t r = 0; r < runs.size(); ++r) {
    size_t of_run = 0;
    for (const Curve& curve : runs[r].curves) {
      if (!fits(curve.column) || curve.points.empty()) continue;
      const std::string name = (several ? runs[r].name + ": " : "") + shown_name(curve.column);
      lines.push_back({name, curve.points, several ? r : of_run, several ? of_run : 0});
      ++of_run;
    }
  }
  return lines;
}

std::string photo(const std::string& picture, const std::string& id, const std::string& mark) {
  if (picture.empty()) {
    return fmt::format(
        R"(<div class="photo"><span class="none">photo {} is not there</span>{}</div>)", escape(id),
        mark);
  }
  return fmt::format(R"(<div class="photo"><img src="{0}" alt="photo {1}" title="{1}">{2}</div>)",
                     picture, escape(id), mark);
}

std::string image_item(const ShownImage& image) {
  std::string mark;
  const char* style = "";
  if (image.right) {
    style = *image.right ? "ok" : "no";
    mark = *image.right ? R"(<span class="mark" title="relevant">&#10003;</span>)"
                        : R"(<span class="mark" title="not relevant">&#10007;</span>)";
  }
  const std::string score = image.score ? fmt::format("<b>{:.3f}</b> ", *image.score) : "";
  return fmt::format(R"(<li class="{}">{}<p>{}<span class="muted">{}</span></p></li>)", style,
                     photo(image.picture, image.id, mark), score, escape(image.caption));
}

struct VerdictText {
  Verdict verdict;
  const char* heading;
  const char* tone;
};

constexpr VerdictText kVerdicts[] = {
    {Verdict::kWrongLandmark, "Taken for another landmark, most confident first", "wrong"},
    {Verdict::kFalseAlarm, "No landmark, but named as one, most confident first", "alarm"},
    {Verdict::kMissed, "Landmarks that were not named", "wrong"},
    {Verdict::kRight, "Named right, from the worst retrieval to the best", "right"},
    {Verdict::kRightlyNone, "Rightly not named", "right"},
};

std::string card(const ShownQuery& query, const char* tone) {
  std::string facts = fmt::format("<dt>shows</dt><dd>{}</dd>",
                                  query.truth.empty() ? "no landmark" : escape(query.truth));
  facts += query.answer.empty() ? std::string(R"(<dt>answer</dt><dd class="answer">none</dd>)")
                                : fmt::format(R"(<dt>answer</dt><dd class="answer">{}</dd>)"
                                              "<dt>confidence</dt><dd>{:.3f}</dd>",
                                              escape(query.answer), query.confidence);
  if (query.ap) facts += fmt::format("<dt>AP@100</dt><dd>{:.3f}</dd>", *query.ap);
  std::string images;
  for (const ShownImage& image : query.images) images += image_item(image);
  return fmt::format(
      R"(<article class="panel query tone-{}"><div class="asked">{}<dl>{}</dl></div>)"
      R"(<ol class="hits">{}</ol></article>)"
      "\n",
      tone, photo(query.picture, query.id, ""), facts, images);
}

}  // namespace

std::string summary(std::span<const Run> runs) {
  const Run& run = runs.back();
  std::string text = fmt::format(
      "The model <b>{}</b> names {:.1f}&#8239;% of {} landmark photos right, among {} photos that "
      "show none: GAP <b>{:.3f}</b>. For {} queries the photos that show the same landmark are "
      "found with mAP@100 <b>{:.3f}</b>.",
      escape(run.name), 100 * run.top1, landmark_queries(run),
      run.recognition.results.size() - landmark_queries(run), run.gap, run.retrieval.results.size(),
      run.retrieval_scores.map);
  if (runs.size() > 1) {
    text += fmt::format(" Compared with <b>{}</b>, that is {:+.3f} GAP and {:+.3f} mAP@100.",
                        escape(runs.front().name), run.gap - runs.front().gap,
                        run.retrieval_scores.map - runs.front().retrieval_scores.map);
  }
  return text;
}

std::string score_table(std::span<const Run> runs) {
  std::string head = "<th>run</th>";
  for (const Column& column : kColumns) {
    head += fmt::format(R"(<th title="{}">{}</th>)", column.meaning, column.name);
  }
  std::string rows;
  for (const Run& run : runs) {
    rows += fmt::format("<tr><td>{}</td>", escape(run.name));
    for (const Column& column : kColumns) {
      const double value = column.value(run);
      const bool best =
          runs.size() > 1 && std::all_of(runs.begin(), runs.end(), [&](const Run& other) {
            return column.lower_is_better ? value <= column.value(other)
                                          : value >= column.value(other);
          });
      rows += fmt::format("<td{}>{}</td>", best ? R"( class="best")" : "", shown(value, column));
    }
    rows += "</tr>\n";
  }
  return fmt::format(R"(<div class="panel scroll"><table><thead><tr>{}</tr></thead>)"
                     "<tbody>\n{}</tbody></table></div>\n",
                     head, rows);
}

std::string training_charts(std::span<const Run> runs) {
  const std::string charts = line_chart("Loss", "epoch", lines_of(runs, ends_with_loss)) +
                             line_chart("Validation scores", "epoch", lines_of(runs, is_score)) +
                             line_chart("Learning rate", "epoch", lines_of(runs, is_learning_rate));
  return charts.empty() ? "" : "<div class=\"charts\">\n" + charts + "</div>\n";
}

std::string confidence_chart(const Run& run) {
  Group right{"named right", "right", {}};
  Group wrong{"wrong landmark", "wrong", {}};
  Group alarm{"no landmark", "none", {}};
  for (const eval::RecognitionResult& result : run.recognition.results) {
    const Verdict verdict = judge(result);
    if (verdict == Verdict::kRight) right.values.push_back(result.confidence);
    if (verdict == Verdict::kWrongLandmark) wrong.values.push_back(result.confidence);
    if (verdict == Verdict::kFalseAlarm) alarm.values.push_back(result.confidence);
  }
  const std::string chart = histogram("Answers by confidence", "confidence", {right, wrong, alarm});
  return chart.empty() ? "" : "<div class=\"narrow\">\n" + chart + "</div>\n";
}

std::string query_cards(const std::vector<ShownQuery>& queries, std::span<const size_t> totals) {
  std::string html;
  for (const VerdictText& text : kVerdicts) {
    std::string cards;
    size_t count = 0;
    for (const ShownQuery& query : queries) {
      if (query.verdict != text.verdict) continue;
      cards += card(query, text.tone);
      ++count;
    }
    if (count == 0) continue;
    html += fmt::format("<h3>{} <small>({} of {})</small></h3>\n{}", text.heading, count,
                        totals[static_cast<size_t>(text.verdict)], cards);
  }
  return html;
}

}  // namespace cairn::report
