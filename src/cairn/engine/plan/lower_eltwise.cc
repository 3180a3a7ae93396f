// Functions of one number, in whatever layout their input has.
#include <cmath>

#include "cairn/engine/activation.h"
#include "cairn/engine/plan/builder.h"

namespace cairn::engine {
namespace {

using dnnl::algorithm;

// Square roots, powers and so on, which no Conv takes as a post-operation.
std::optional<Eltwise> function_of(PlanBuilder& builder, const GraphNode& node) {
  const std::string& op = node.op_type;
  if (op == "Sqrt") return Eltwise{algorithm::eltwise_sqrt};
  if (op == "Abs") return Eltwise{algorithm::eltwise_abs};
  if (op == "Exp") return Eltwise{algorithm::eltwise_exp};
  if (op == "Neg") return Eltwise{algorithm::eltwise_linear, -1, 0};
  if (node.inputs.size() != 2) return std::nullopt;
  const Tensor* right = builder.constant_f32(node, 1);
  const Tensor* left = builder.constant_f32(node, 0);
  const Tensor* constant = right != nullptr ? right : left;
  if (constant == nullptr || constant->count() != 1 || constant->shape().size() > 1)
    return std::nullopt;
  const float c = *constant->data<float>();
  if (!std::isfinite(c)) return std::nullopt;
  if (op == "Add") return Eltwise{algorithm::eltwise_linear, 1, c};
  if (op == "Mul") return Eltwise{algorithm::eltwise_linear, c, 0};
  if (op == "Sub") return Eltwise{algorithm::eltwise_linear, left ? -1.f : 1.f, left ? c : -c};
  if (op == "Div" && right != nullptr && c != 0 && std::isfinite(1 / c))
    return Eltwise{algorithm::eltwise_linear, 1 / c, 0};
  if (op == "Pow" && right != nullptr) return Eltwise{algorithm::eltwise_pow, 1, c};
  return std::nullopt;
}

// precise: float32, whatever the input lies in memory as.
void add_eltwise(PlanBuilder& builder, const std::string& input, const std::string& output,
                 const std::vector<Eltwise>& functions, bool precise) {
  const Shape shape = builder.value(input).shape;
  const Placement from = precise ? builder.as_f32(input) : builder.computed(input);
  dnnl::post_ops ops;
  for (size_t i = 1; i < functions.size(); ++i)
    ops.append_eltwise(1, functions[i].algorithm, functions[i].alpha, functions[i].beta);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_post_ops(ops);
  const Eltwise& first = functions[0];
  const dnnl::eltwise_forward::desc description(dnnl::prop_kind::forward_inference, first.algorithm,
                                                from.layout, first.alpha, first.beta);
  const dnnl::eltwise_forward::primitive_desc primitive(description, attributes,
                                                        builder.dnnl_engine());
  const BufferId target =
      builder.may_overwrite(from.buffer) ? from.buffer : builder.new_buffer(from.layout.get_size());
  builder.add_primitive("eltwise", dnnl::eltwise_forward(primitive), primitive.scratchpad_desc(),
                        {{DNNL_ARG_SRC, from.layout, from.buffer}},
                        {{DNNL_ARG_DST, from.layout, target}});
  builder.define(output, DType::kF32, shape, {from.layout, target});
}

}  // namespace

std::vector<Eltwise> eltwise_of(const PostOp& activation) {
  const float a = activation.alpha;
  const float b = activation.beta;
  switch (activation.activation) {
    case Activation::kRelu:
      return {{algorithm::eltwise_relu, a, 0}};
    case Activation::kClip:
      return {{algorithm::eltwise_clip, a, b}};
    case Activation::kSigmoid:
      return {{algorithm::eltwise_logistic, 0, 0}};
    case Activation::kSilu:
      return {{algorithm::eltwise_swish, 1, 0}};
    case Activation::kHardSwish:
      return {{algorithm::eltwise_hardswish, 0, 0}};
    case Activation::kHardSigmoid:
      return {{algorithm::eltwise_linear, a, b}, {algorithm::eltwise_clip, 0, 1}};
    case Activation::kTanh:
      return {{algorithm::eltwise_tanh, 0, 0}};
    case Activation::kElu:
      return {{algorithm::eltwise_elu, a, 0}};
  }
  return {};
}

void PlanBuilder::add_activation(const std::string& input, const std::string& output,
                                 const PostOp& activation) {
  add_eltwise(*this, input, output, eltwise_of(activation), false);
}

bool lower_eltwise(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (!node.post_ops.empty()) return false;
  size_t data = 0;  // the input that is not constant
  if (node.inputs.size() == 2 && builder.is_constant(node.inputs[0])) data = 1;
  if (node.inputs.empty() || node.inputs[data].empty() ||
      !builder.is_planned_f32(node.inputs[data]) || builder.value(node.inputs[data]).shape != out)
    return false;
  std::vector<Eltwise> functions;
  const auto activation = activation_of(builder.graph(), node);
  const bool rectifies =
      activation && activation->activation == Activation::kRelu && activation->alpha == 0;
  if (auto scaling = builder.value(node.inputs[data]).scaling; scaling && rectifies) {
    const Placement from = builder.value(node.inputs[data]).placements[0];
    scaling->rectified = true;
    builder.define_scaling(node.outputs[0], out, from, *scaling);
    return true;
  }
  if (activation)
    functions = eltwise_of(*activation);
  else if (const auto function = function_of(builder, node))
    functions = {*function};
  if (functions.empty()) return false;
  // oneDNN's eltwise with post-operations leaves tensors of one dimension unwritten.
  if (functions.size() > 1 && (out.size() < 2 || out.size() > 5)) return false;
  // Powers and roots (generalised-mean pooling) do not get along with eight bits.
  add_eltwise(builder, node.inputs[data], node.outputs[0], functions, !activation);
  return true;
}

}  // namespace cairn::engine
