// NonMaxSuppression.
#include <algorithm>
#include <numeric>

#include "cairn/engine/ops/families.h"

namespace cairn::engine::ops {

namespace {

struct Box {
  float left, top, right, bottom;
  float area() const { return (right - left) * (bottom - top); }
};

// Corners in any order ([y1, x1, y2, x2]), or [x centre, y centre, width, height].
Box read_box(const float* v, bool centred) {
  if (centred) {
    return {v[0] - v[2] / 2, v[1] - v[3] / 2, v[0] + v[2] / 2, v[1] + v[3] / 2};
  }
  return {std::min(v[1], v[3]), std::min(v[0], v[2]), std::max(v[1], v[3]), std::max(v[0], v[2])};
}

bool overlap(const Box& a, const Box& b, float threshold) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (!(width > 0 && height > 0)) return false;
  const float both = width * height;
  const float either = a.area() + b.area() - both;
  return either > 0 && both / either > threshold;
}

// The boxes kept for one class, best first. Among equal scores the lower index comes first.
std::vector<size_t> suppress(const std::vector<Box>& boxes, const float* scores,
                             std::vector<size_t> candidates, size_t most, float threshold) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  std::vector<size_t> kept;
  for (const size_t i : candidates) {
    if (kept.size() >= most) break;
    const bool hidden = std::any_of(kept.begin(), kept.end(), [&](size_t other) {
      return overlap(boxes[i], boxes[other], threshold);
    });
    if (!hidden) kept.push_back(i);
  }
  return kept;
}

void non_max_suppression(OpContext& ctx) {
  const Tensor& boxes = ctx.input(0);
  const Tensor& scores = ctx.input(1);
  if (boxes.dtype() != DType::kF32 || scores.dtype() != DType::kF32) {
    ctx.fail("boxes and scores must be float32");
  }
  const bool fits = boxes.shape().size() == 3 && scores.shape().size() == 3 && boxes.dim(2) == 4 &&
                    boxes.dim(0) == scores.dim(0) && boxes.dim(1) == scores.dim(2);
  if (!fits) {
    ctx.fail("boxes of shape " + to_string(boxes.shape()) + " and scores of shape " +
             to_string(scores.shape()) + " do not fit");
  }
  const int64_t most = ctx.has_input(2) ? integer(ctx, 2) : 0;
  const auto iou_threshold = static_cast<float>(ctx.has_input(3) ? number(ctx, 3) : 0.0);
  const bool filters = ctx.has_input(4);
  const auto score_threshold = static_cast<float>(filters ? number(ctx, 4) : 0.0);
  const bool centred = ctx.node.get_int("center_point_box", 0) != 0;
  const auto count = static_cast<size_t>(boxes.dim(1));
  std::vector<int64_t> chosen;
  for (int64_t batch = 0; batch < boxes.dim(0) && most > 0; ++batch) {
    std::vector<Box> read(count);
    for (size_t i = 0; i < count; ++i) {
      read[i] =
          read_box(boxes.data<float>() + (static_cast<size_t>(batch) * count + i) * 4, centred);
    }
    for (int64_t label = 0; label < scores.dim(1); ++label) {
      const float* row =
          scores.data<float>() + static_cast<size_t>(batch * scores.dim(1) + label) * count;
      std::vector<size_t> candidates;
      for (size_t i = 0; i < count; ++i) {
        // NaN is no candidate: it has no place in the order.
        if (row[i] == row[i] && (!filters || row[i] > score_threshold)) candidates.push_back(i);
      }
      for (const size_t i :
           suppress(read, row, std::move(candidates), static_cast<size_t>(most), iou_threshold)) {
        chosen.insert(chosen.end(), {batch, label, static_cast<int64_t>(i)});
      }
    }
  }
  Tensor& y = ctx.make_output(0, DType::kI64, {static_cast<int64_t>(chosen.size() / 3), 3});
  std::copy(chosen.begin(), chosen.end(), y.data<int64_t>());
}

}  // namespace

std::vector<OpEntry> detect_ops() {
  return {{"NonMaxSuppression", {non_max_suppression, 10, 17, {"center_point_box"}}}};
}

}  // namespace cairn::engine::ops
