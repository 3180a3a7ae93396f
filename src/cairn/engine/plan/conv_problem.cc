#include "cairn/engine/plan/conv_problem.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

namespace cairn::engine {
using dnnl::convolution_forward;

Shape ConvProblem::weights_shape() const {
  Shape shape = weights->shape();
  if (groups == 1) return shape;
  shape[0] = out[1] / groups;
  shape.insert(shape.begin(), groups);
  return shape;
}

double ConvProblem::flops() const {
  const auto positions = static_cast<double>(element_count(out)) / static_cast<double>(out[1]);
  return 2 * positions * static_cast<double>(weights->count());
}

std::string ConvProblem::text() const {
  const auto join = [](auto begin, auto end) {
    return fmt::format("{}", fmt::join(begin, end, "x"));
  };
  const std::string grouped = groups > 1 ? fmt::format(" in {} groups", groups) : "";
  const Shape& filter = weights->shape();
  return fmt::format("{} -> {}, {}{}", join(in.begin() + 1, in.end()),
                     join(out.begin() + 1, out.end()), join(filter.begin() + 2, filter.end()),
                     grouped);
}

DataType ConvProblem::source_type(const PlanBuilder& builder, const std::string& output) const {
  const bool photo = in[1] <= kPhotoChannels && groups == 1;
  if ((depthwise() && groups > 1) || (photo && builder.map_type_of(output, out) == DataType::f32))
    return DataType::f32;
  return builder.map_type(in);
}

std::optional<ConvProblem> conv_problem(PlanBuilder& builder, const GraphNode& node,
                                        const Shape& in, const Shape& out) {
  ConvProblem problem;
  problem.in = in;
  problem.out = out;
  problem.weights = builder.constant_f32(node, 1);
  problem.bias = builder.constant_f32(node, 2);
  const bool has_bias = node.inputs.size() > 2 && !node.inputs[2].empty();
  if (problem.weights == nullptr || builder.graph().constant(node.inputs[1]) == nullptr ||
      has_bias != (problem.bias != nullptr) || problem.weights->shape().size() != in.size() ||
      in.size() < 3 || in.size() > 5 || !fits_dnnl(problem.weights->shape()))
    return std::nullopt;
  const Shape& weights = problem.weights->shape();
  problem.groups = node.get_int("group", 1);
  const auto window = window_of(node, {weights.begin() + 2, weights.end()}, in, out);
  if (!window || problem.groups < 1 || weights[0] % problem.groups != 0 ||
      weights[1] * problem.groups != in[1] || weights[0] != out[1])
    return std::nullopt;
  problem.window = *window;
  return problem;
}

std::optional<convolution_forward::primitive_desc> describe_conv(
    const PlanBuilder& builder, const ConvProblem& problem, const Layout& source,
    const Layout& target, const dnnl::primitive_attr& attributes, std::string_view wanted) {
  dnnl::memory::dims dilates = problem.window.dilations;
  for (int64_t& dilation : dilates) --dilation;
  const Layout weights = any_layout(problem.shape_of_weights.value_or(problem.weights_shape()),
                                    is_8bit(source) ? DataType::s8 : source.data_type());
  const Layout bias = problem.bias != nullptr ? plain_layout({problem.out[1]}) : Layout();
  try {
    const convolution_forward::desc description(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source, weights,
        bias, target, problem.window.strides, dilates, problem.window.pads_begin,
        problem.window.pads_end);
    convolution_forward::primitive_desc primitive(description, attributes, builder.dnnl_engine());
    const std::string_view name = primitive.impl_info_str();
    const bool any = is_channels_last(target);  // they have several names
    if (name.starts_with("ref") || (!any && !name.starts_with(wanted))) return std::nullopt;
    return primitive;
  } catch (const dnnl::error&) {
    return std::nullopt;
  }
}

std::optional<const std::string*> residual_of(PlanBuilder& builder, const GraphNode& node,
                                              const Shape& out) {
  const std::string* residual = nullptr;
  for (const PostOp& post_op : node.post_ops) {
    if (post_op.kind == PostOp::Kind::kPRelu) return std::nullopt;
    if (post_op.kind != PostOp::Kind::kAdd) continue;
    const std::string& operand = node.inputs[post_op.operand];
    if (residual != nullptr || !builder.is_planned_f32(operand) ||
        builder.value(operand).shape != out)
      return std::nullopt;
    residual = &operand;
  }
  return residual;
}

std::optional<ConvEnding> ending_of(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto residual = residual_of(builder, node, out);
  if (!residual) return std::nullopt;
  ConvEnding ending{.residual = *residual, .low = -kInfinity, .high = kInfinity};
  size_t i = 0;
  const auto next_is = [&](PostOp::Kind kind) {
    return i < node.post_ops.size() && node.post_ops[i].kind == kind;
  };
  if (next_is(PostOp::Kind::kAdd)) ++i;
  if (next_is(PostOp::Kind::kActivation)) {
    const PostOp& op = node.post_ops[i++];
    if (op.activation == Activation::kRelu && op.alpha == 0) {
      ending.low = 0;
    } else if (op.activation == Activation::kClip) {
      ending.low = op.alpha;
      ending.high = op.beta;
    } else {
      return std::nullopt;
    }
  }
  if (next_is(PostOp::Kind::kQuantize)) {
    ending.grid = node.post_ops[i++].grid;
    const bool is_signed = ending.grid->type == DType::kI8;
    ending.low = std::max<float>(ending.low * ending.unit() + ending.zero(), is_signed ? -128 : 0);
    ending.high =
        std::min<float>(ending.high * ending.unit() + ending.zero(), is_signed ? 127 : 255);
  }
  if (i != node.post_ops.size()) return std::nullopt;
  return ending;
}

void add_copy(PlanBuilder& builder, const Layout& layout, BufferId from, BufferId to) {
  const dnnl::reorder::primitive_desc reorder(builder.dnnl_engine(), layout, builder.dnnl_engine(),
                                              layout);
  builder.add_primitive("copy", dnnl::reorder(reorder), Layout(), {{DNNL_ARG_FROM, layout, from}},
                        {{DNNL_ARG_TO, layout, to}});
}

Layout conv_source_layout(PlanBuilder& builder, const std::string& input, int64_t groups,
                          DataType type) {
  const PlanValue& value = builder.value(input);
  const bool photo = value.shape[1] <= kPhotoChannels && groups == 1 &&
                     channel_block(builder.layout_of(input)) == 1;
  const Layout layout = builder.map_layout(value.shape, type);
  return photo && !is_channels_last(layout) ? plain_layout(value.shape, type) : layout;
}

}  // namespace cairn::engine
