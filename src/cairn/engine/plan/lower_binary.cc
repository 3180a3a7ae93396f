// Arithmetic on two values of one shape, in the layout of the first blocked one; in bfloat16 where
// either lies in memory as that.
#include <map>

#include "cairn/engine/plan/builder.h"

namespace cairn::engine {

namespace {

// The sum of two maps that are yet to be scaled is so too.
bool add_scaled(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.op_type != "Add") return false;
  for (const std::string& input : node.inputs) {
    if (input.empty() || builder.is_constant(input) || builder.value(input).shape != out)
      return false;
    const auto& scaling = builder.value(input).scaling;
    if (!scaling || scaling->rectified || scaling->other) return false;
  }
  const PlanValue& left = builder.value(node.inputs[0]);
  const PlanValue& right = builder.value(node.inputs[1]);
  const Placement from = left.placements[0];
  const Placement other = right.placements[0];
  if (right.scaling->shift || !same_bytes(from.layout, other.layout)) return false;
  PlanValue::Scaling scaling = *left.scaling;
  scaling.other = other.buffer;
  scaling.other_scale = right.scaling->scale;
  builder.define_scaling(node.outputs[0], out, from, scaling);
  return true;
}

}  // namespace

bool lower_binary(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  using dnnl::algorithm;
  static const std::map<std::string, algorithm> kAlgorithms = {
      {"Add", algorithm::binary_add}, {"Sum", algorithm::binary_add},
      {"Sub", algorithm::binary_sub}, {"Mul", algorithm::binary_mul},
      {"Div", algorithm::binary_div}, {"Max", algorithm::binary_max},
      {"Min", algorithm::binary_min}};
  const auto found = kAlgorithms.find(node.op_type);
  if (found == kAlgorithms.end() || !node.post_ops.empty() || node.inputs.size() != 2) return false;
  if (add_scaled(builder, node, out)) return true;
  std::optional<Layout> layout;
  bool bf16 = false;
  for (size_t i = 0; i < 2; ++i) {
    if (node.inputs[i].empty()) return false;
    const Tensor* constant = builder.constant_f32(node, i);
    if (constant != nullptr
            ? constant->shape() != out
            : !builder.is_planned_f32(node.inputs[i]) || builder.value(node.inputs[i]).shape != out)
      return false;
    if (constant != nullptr) continue;
    const Layout& own = builder.layout_of(node.inputs[i]);
    bf16 = bf16 || is_bf16(own);
    if (!layout || (channel_block(*layout) <= 1 && channel_block(own) > 1)) layout = own;
  }
  if (!layout) return false;
  if (bf16) layout = with_type(*layout, DataType::bf16);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::binary::primitive_desc primitive(
      dnnl::binary::desc(found->second, *layout, *layout, *layout), attributes,
      builder.dnnl_engine());
  const BufferId left = builder.in_layout(node.inputs[0], *layout);
  const BufferId right = builder.in_layout(node.inputs[1], *layout);
  const BufferId target =
      builder.may_overwrite(left) ? left : builder.new_buffer(layout->get_size());
  builder.add_primitive("binary", dnnl::binary(primitive), primitive.scratchpad_desc(),
                        {{DNNL_ARG_SRC_0, *layout, left}, {DNNL_ARG_SRC_1, *layout, right}},
                        {{DNNL_ARG_DST, *layout, target}});
  builder.define(node.outputs[0], DType::kF32, out, {*layout, target});
  return true;
}

}  // namespace cairn::engine
