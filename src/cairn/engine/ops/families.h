// The tables of operators, one function for each family file.
#pragma once

#include <vector>

#include "cairn/engine/ops/common.h"

namespace cairn::engine::ops {

std::vector<OpEntry> activation_ops();
std::vector<OpEntry> binary_ops();
std::vector<OpEntry> cast_ops();
std::vector<OpEntry> compare_ops();
std::vector<OpEntry> concat_ops();
std::vector<OpEntry> conv_ops();
std::vector<OpEntry> detect_ops();
std::vector<OpEntry> einsum_ops();
std::vector<OpEntry> gather_ops();
std::vector<OpEntry> generate_ops();
std::vector<OpEntry> matmul_ops();
std::vector<OpEntry> move_ops();
std::vector<OpEntry> norm_ops();
std::vector<OpEntry> order_ops();
std::vector<OpEntry> pad_ops();
std::vector<OpEntry> pool_ops();
std::vector<OpEntry> quantize_ops();
std::vector<OpEntry> reduce_ops();
std::vector<OpEntry> resize_ops();
std::vector<OpEntry> sample_ops();
std::vector<OpEntry> select_ops();
std::vector<OpEntry> shape_ops();
std::vector<OpEntry> softmax_ops();
std::vector<OpEntry> unary_ops();

}  // namespace cairn::engine::ops
