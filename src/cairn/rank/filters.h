// Rules that turn an answer into "not a landmark", after V. Timakin's solution of 2021.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cairn/rank/landmark_votes.h"

namespace cairn::rank {

// A detected object, in pixels of its photo.
struct ObjectBox {
  double x1 = 0;
  double y1 = 0;
  double x2 = 0;
  double y2 = 0;
  double confidence = 1;
};

struct ObjectRule {
  double confidence = 0.5;      // boxes below it do not count
  double area_share = 1 / 2.7;  // of the photo's area, above which it shows objects
};

// Whether the boxes' areas, of all classes and each cut to the photo, add up to more than the share
// of its area. Overlaps count repeatedly, as in the author's rule.
bool shows_objects(std::span<const ObjectBox> boxes, double width, double height,
                   const ObjectRule& rule = {});

// Marks the answers of landmarks that are named more than `limit` times in all: what is everywhere
// is no landmark. 0: no limit. It depends on how many queries are answered together.
std::vector<bool> named_too_often(std::span<const std::optional<Vote>> votes, size_t limit);

// What becomes of an answer that a rule rejects: none at all, or the answer with a confidence below
// all others, in the order it had.
enum class Rejected { kEmpty, kLast };
void reject(std::vector<std::optional<Vote>>& votes, const std::vector<bool>& rejected,
            Rejected what);

}  // namespace cairn::rank
