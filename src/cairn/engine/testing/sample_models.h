// Small models of every kind of operator: seeds of the fuzz target.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cairn::engine::testing {

struct SampleModel {
  std::string name;
  std::vector<uint8_t> bytes;
};

std::vector<SampleModel> sample_models();

}  // namespace cairn::engine::testing
