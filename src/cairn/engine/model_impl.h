// What a Model holds.
#pragma once

#include <string>

#include "cairn/engine/graph.h"
#include "cairn/engine/plan/weight_cache.h"

namespace cairn::engine {

struct Model::Impl {
  Graph graph;
  std::string checksum;
  bool optimise = true;
  mutable WeightCache weights;
};

}  // namespace cairn::engine
