// Pooling, also over everything.
#include <algorithm>

#include "cairn/engine/plan/builder.h"
#include "cairn/engine/plan/global_mean.h"
#include "cairn/engine/plan/window.h"

namespace cairn::engine {
namespace {

using dnnl::algorithm;

struct Pooling {
  algorithm how = algorithm::pooling_max;
  Window window;
  Shape out;  // with the spatial axes kept
};

Window whole(const Shape& in) {
  const std::vector<int64_t> kernel(in.begin() + 2, in.end());
  const std::vector<int64_t> ones(kernel.size(), 1);
  const std::vector<int64_t> zeros(kernel.size(), 0);
  return {kernel, ones, ones, zeros, zeros};
}

std::optional<Pooling> pooling_of(const GraphNode& node, const Shape& in, const Shape& out) {
  const std::string& op = node.op_type;
  if (op == "GlobalMaxPool" || is_global_mean(node, in.size())) {
    Shape kept(in.size(), 1);
    kept[0] = in[0];
    kept[1] = in[1];
    return Pooling{
        op == "GlobalMaxPool" ? algorithm::pooling_max : algorithm::pooling_avg_exclude_padding,
        whole(in), kept};
  }
  if (op != "MaxPool" && op != "AveragePool") return std::nullopt;
  const auto window = window_of(node, node.get_ints("kernel_shape"), in, out);
  if (!window || std::any_of(window->dilations.begin(), window->dilations.end(),
                             [](int64_t dilation) { return dilation != 1; }))
    return std::nullopt;
  if (op == "MaxPool") return Pooling{algorithm::pooling_max, *window, out};
  const bool with_padding = node.get_int("count_include_pad", 0) != 0;
  // Windows beyond the padding divide by fewer elements, which oneDNN does not do.
  if (with_padding && node.get_int("ceil_mode", 0) != 0) return std::nullopt;
  return Pooling{with_padding ? algorithm::pooling_avg_include_padding
                              : algorithm::pooling_avg_exclude_padding,
                 *window, out};
}

// The step, where oneDNN has one for the source; where the output then lies.
std::optional<Placement> add_primitive(PlanBuilder& builder, const GraphNode& node,
                                       const Pooling& pooling, const Placement& from) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  std::optional<dnnl::pooling_forward::primitive_desc> primitive;
  try {
    const dnnl::pooling_forward::desc description(
        dnnl::prop_kind::forward_inference, pooling.how, from.layout,
        any_layout(pooling.out, from.layout.data_type()), pooling.window.strides,
        pooling.window.kernel, pooling.window.pads_begin, pooling.window.pads_end);
    primitive.emplace(description, attributes, builder.dnnl_engine());
  } catch (const dnnl::error&) {
    return std::nullopt;
  }
  const Layout layout = primitive->dst_desc();
  const BufferId target = builder.new_buffer(layout.get_size());
  builder.add_primitive(node.op_type, dnnl::pooling_forward(*primitive),
                        primitive->scratchpad_desc(), {{DNNL_ARG_SRC, from.layout, from.buffer}},
                        {{DNNL_ARG_DST, layout, target}});
  return Placement{layout, target};
}

std::optional<Placement> add_pooling(PlanBuilder& builder, const GraphNode& node,
                                     const Pooling& pooling) {
  const std::string& input = node.inputs[0];
  if (is_global_mean(node, builder.value(input).shape.size())) {
    if (const auto mean = add_global_mean(builder, input)) return mean;
    return add_primitive(builder, node, pooling, builder.as_f32(input));
  }
  // The largest of 8-bit numbers is the largest.
  if (const Placement* eight = builder.in_8_bits(input);
      eight != nullptr && pooling.how == algorithm::pooling_max) {
    const Grid grid = eight->grid;
    if (auto made = add_primitive(builder, node, pooling, *eight)) {
      made->grid = grid;
      return made;
    }
  }
  return add_primitive(builder, node, pooling, builder.computed(input));
}

}  // namespace

bool lower_pool(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.inputs.empty() || node.inputs[0].empty() || !builder.is_planned_f32(node.inputs[0]))
    return false;
  const Shape in = builder.value(node.inputs[0]).shape;
  if (in.size() < 3 || in.size() > 5) return false;
  const std::optional<Pooling> pooling = pooling_of(node, in, out);
  if (!pooling) return false;
  const auto made = add_pooling(builder, node, *pooling);
  if (!made) return false;
  if (pooling->out == out)
    builder.define(node.outputs[0], DType::kF32, out, *made);
  else
    define_global(builder, node.outputs[0], out, in, *made);
  return true;
}

}  // namespace cairn::engine
