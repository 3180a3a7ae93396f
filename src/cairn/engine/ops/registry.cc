#include <algorithm>
#include <map>

#include "cairn/base/error.h"
#include "cairn/engine/op.h"
#include "cairn/engine/ops/families.h"

namespace cairn::engine {

namespace {

using Registry = std::map<std::string_view, OpInfo>;

Registry make_registry() {
  using namespace ops;  // NOLINT: every family by its short name
  Registry registry;
  for (const auto family :
       {activation_ops, binary_ops, cast_ops,   compare_ops,  concat_ops,   conv_ops,
        detect_ops,     einsum_ops, gather_ops, generate_ops, matmul_ops,   move_ops,
        norm_ops,       order_ops,  pad_ops,    pool_ops,     quantize_ops, reduce_ops,
        resize_ops,     sample_ops, select_ops, shape_ops,    softmax_ops,  unary_ops}) {
    for (OpEntry& entry : family()) {
      const bool is_new = registry.emplace(entry.name, std::move(entry.info)).second;
      CAIRN_ASSERT(is_new);
    }
  }
  return registry;
}

const Registry& registry() {
  static const Registry table = make_registry();
  return table;
}

}  // namespace

const OpInfo* find_op(std::string_view op_type) {
  const auto found = registry().find(op_type);
  return found == registry().end() ? nullptr : &found->second;
}

std::vector<std::string> known_ops() {
  std::vector<std::string> names;
  names.reserve(registry().size());
  for (const auto& [name, info] : registry()) names.emplace_back(name);
  return names;
}

}  // namespace cairn::engine
