#include "cairn/detect/nms.h"

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"

namespace cairn::detect {
namespace {

constexpr size_t kFixedColumns = 5;  // before the class scores
constexpr size_t kMostCandidates = 30000;
constexpr float kClassOffset = 7680;  // pixels; wider than any photo

bool wanted(const NmsOptions& options, int class_id) {
  return options.classes.empty() || std::ranges::count(options.classes, class_id) > 0;
}

Detection box_of(const float* row) {
  Detection box;
  box.x1 = row[0] - row[2] / 2;
  box.y1 = row[1] - row[3] / 2;
  box.x2 = row[0] + row[2] / 2;
  box.y2 = row[1] + row[3] / 2;
  return box;
}

void add_candidates(const float* row, size_t columns, const NmsOptions& options,
                    std::vector<Detection>& candidates) {
  const float objectness = row[4];
  const auto least = static_cast<float>(options.confidence);
  if (!(objectness > least)) return;
  const auto add = [&](size_t c, float confidence) {
    if (!(confidence > least) || !wanted(options, static_cast<int>(c))) return;
    Detection box = box_of(row);
    box.confidence = confidence;
    box.class_id = static_cast<int>(c);
    candidates.push_back(box);
  };
  size_t best = 0;
  float best_confidence = -1;
  for (size_t c = 0; c + kFixedColumns < columns; ++c) {
    const float confidence = row[kFixedColumns + c] * objectness;
    if (options.multi_label) add(c, confidence);
    if (confidence <= best_confidence) continue;
    best = c;
    best_confidence = confidence;
  }
  if (!options.multi_label) add(best, best_confidence);
}

Detection moved(const Detection& box, float offset) {
  return {box.x1 + offset, box.y1 + offset, box.x2 + offset, box.y2 + offset, 0, 0};
}

float overlap(const Detection& a, const Detection& b) {
  const float width = std::max(0.0F, std::min(a.x2, b.x2) - std::max(a.x1, b.x1));
  const float height = std::max(0.0F, std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
  const float both = width * height;
  const float areas = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1);
  return both / (areas - both);
}

}  // namespace

std::vector<Detection> suppress(std::span<const float> rows, size_t columns,
                                const NmsOptions& options) {
  CAIRN_ASSERT(columns > kFixedColumns && rows.size() % columns == 0);
  std::vector<Detection> candidates;
  for (size_t at = 0; at < rows.size(); at += columns)
    add_candidates(&rows[at], columns, options, candidates);
  std::ranges::stable_sort(candidates, [](const Detection& a, const Detection& b) {
    return a.confidence > b.confidence;
  });
  if (candidates.size() > kMostCandidates) candidates.resize(kMostCandidates);
  std::vector<Detection> kept;
  std::vector<Detection> kept_moved;
  for (const Detection& candidate : candidates) {
    if (kept.size() == options.most) break;
    const float offset =
        options.agnostic ? 0 : static_cast<float>(candidate.class_id) * kClassOffset;
    const Detection apart = moved(candidate, offset);
    const bool covered = std::ranges::any_of(kept_moved, [&](const Detection& other) {
      return overlap(apart, other) > static_cast<float>(options.iou);
    });
    if (covered) continue;
    kept.push_back(candidate);
    kept_moved.push_back(apart);
  }
  return kept;
}

}  // namespace cairn::detect
