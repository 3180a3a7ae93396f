// The tables of operators, one function for each family file.
#pragma once

#include <vector>

#include "cairn/engine/ops/common.h"

namespace cairn::engine::ops {

std::vector<OpEntry> unary_ops();
std::vector<OpEntry> activation_ops();
std::vector<OpEntry> binary_ops();
std::vector<OpEntry> compare_ops();

}  // namespace cairn::engine::ops
