// Maps that are another one times a number a channel plus another, and rectified: they are computed
// where they are first read, which may be on the way into a concatenation.
#pragma once

#include <optional>
#include <vector>

#include "cairn/engine/plan/builder.h"

namespace cairn::engine {

// One of the maps that a step puts side by side, with the channels last.
struct ScaledPart {
  BufferId from = 0;
  size_t channels = 0;
  std::optional<PlanValue::Scaling> scaling{};
};

// Adds the step that writes the parts, which lie in memory as `type`, side by side. The target's
// channels come last, and are of that type too, or unsigned bytes on its grid.
void add_scaling(PlanBuilder& builder, const std::vector<ScaledPart>& parts, DataType type,
                 const Shape& shape, const Placement& target);

}  // namespace cairn::engine
