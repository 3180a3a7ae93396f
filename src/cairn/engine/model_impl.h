// What a Model holds.
#pragma once

#include <string>

#include "cairn/engine/graph.h"

namespace cairn::engine {

struct Model::Impl {
  Graph graph;
  std::string checksum;
  bool optimise = true;
};

}  // namespace cairn::engine
