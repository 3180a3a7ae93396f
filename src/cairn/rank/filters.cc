#include "cairn/rank/filters.h"

#include <algorithm>
#include <unordered_map>

#include "cairn/base/error.h"

namespace cairn::rank {

bool shows_objects(std::span<const ObjectBox> boxes, double width, double height,
                   const ObjectRule& rule) {
  double sum = 0;
  for (const ObjectBox& box : boxes) {
    if (box.confidence < rule.confidence) continue;
    const double w = std::clamp(box.x2, 0.0, width) - std::clamp(box.x1, 0.0, width);
    const double h = std::clamp(box.y2, 0.0, height) - std::clamp(box.y1, 0.0, height);
    sum += std::max(0.0, w) * std::max(0.0, h);
  }
  return sum > width * height * rule.area_share;
}

std::vector<bool> named_too_often(std::span<const std::optional<Vote>> votes, size_t limit) {
  std::vector<bool> marked(votes.size(), false);
  if (limit == 0) return marked;
  std::unordered_map<int64_t, size_t> counts;
  for (const auto& vote : votes)
    if (vote) ++counts[vote->landmark];
  for (size_t i = 0; i < votes.size(); ++i)
    marked[i] = votes[i] && counts[votes[i]->landmark] > limit;
  return marked;
}

void reject(std::vector<std::optional<Vote>>& votes, const std::vector<bool>& rejected,
            Rejected what) {
  CAIRN_ASSERT(votes.size() == rejected.size());
  double lowest = 0;
  double highest = 0;
  for (const auto& vote : votes) {
    if (!vote) continue;
    lowest = std::min(lowest, vote->confidence);
    highest = std::max(highest, vote->confidence);
  }
  for (size_t i = 0; i < votes.size(); ++i) {
    if (!votes[i] || !rejected[i]) continue;
    if (what == Rejected::kEmpty)
      votes[i].reset();
    else
      votes[i]->confidence -= highest - lowest + 1;
  }
}

}  // namespace cairn::rank
