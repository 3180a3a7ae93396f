// Conv as a oneDNN primitive in the layout that oneDNN likes best, with its post-operations.
#include <string_view>

#include "cairn/engine/plan/conv_problem.h"

namespace cairn::engine {
namespace {

using dnnl::convolution_forward;

// How the residual of a fused addition reaches the primitive.
enum class Residual {
  kSum,     // it already lies where the output goes
  kBinary,  // it is another argument
};

class ConvLowering {
 public:
  ConvLowering(PlanBuilder& builder, const GraphNode& node, const Shape& out)
      : builder_(builder), node_(node), out_(out) {}

  bool lower() {
    if (!prepare()) return false;
    bool binary = false;
    const DataType type = problem_.source_type(builder_, node_.outputs[0]);
    const DataType out_type = builder_.map_type_of(node_.outputs[0], out_);
    auto primitive = choose(type, type == DataType::f32 ? type : out_type, binary);
    if (!primitive && type != DataType::f32)
      primitive = choose(DataType::f32, DataType::f32, binary);
    if (!primitive) return false;
    const Layout out_layout = primitive->dst_desc();
    const BufferId source = builder_.in_layout(node_.inputs[0], primitive->src_desc());
    BufferId operand = 0;
    BufferId target = 0;
    if (residual_ != nullptr) operand = builder_.in_layout(*residual_, out_layout);
    if (residual_ != nullptr && !binary && operand != source && builder_.may_overwrite(operand)) {
      target = operand;
    } else {
      target = builder_.new_buffer(out_layout.get_size());
      if (residual_ != nullptr && !binary) {
        const auto other = describe(Residual::kBinary, primitive->src_desc(), out_layout, "jit");
        binary = other && other->weights_desc() == primitive->weights_desc();
        if (binary)
          primitive = other;
        else
          add_copy(builder_, out_layout, operand, target);
      }
    }
    std::vector<PlanBuilder::Argument> reads = {
        {DNNL_ARG_SRC, primitive->src_desc(), source},
        {DNNL_ARG_WEIGHTS, primitive->weights_desc(),
         builder_.constant_buffer(builder_.weights().packed(node_.inputs[1], *problem_.weights,
                                                            plain_layout(problem_.weights_shape()),
                                                            primitive->weights_desc()))}};
    if (problem_.bias != nullptr)
      reads.push_back({DNNL_ARG_BIAS, primitive->bias_desc(),
                       builder_.constant_buffer(problem_.bias->memory())});
    if (binary)
      reads.push_back(
          {DNNL_ARG_ATTR_MULTIPLE_POST_OP(residual_index_) | DNNL_ARG_SRC_1, out_layout, operand});
    Step& step = builder_.add_primitive("Conv", convolution_forward(*primitive),
                                        primitive->scratchpad_desc(), reads,
                                        {{DNNL_ARG_DST, out_layout, target}});
    step.detail = problem_.text();
    step.flops = problem_.flops();
    builder_.define(node_.outputs[0], DType::kF32, out_, {out_layout, target});
    return true;
  }

 private:
  bool prepare() {
    if (node_.op_type != "Conv" || !builder_.is_planned_f32(node_.inputs[0])) return false;
    const auto problem = conv_problem(builder_, node_, builder_.value(node_.inputs[0]).shape, out_);
    if (!problem) return false;
    problem_ = *problem;
    const auto residual = residual_of(builder_, node_, out_);
    residual_ = residual.value_or(nullptr);
    return residual.has_value();
  }

  dnnl::primitive_attr attributes(Residual residual, const Layout& out_layout) {
    dnnl::post_ops ops;
    for (const PostOp& post_op : node_.post_ops) {
      if (post_op.kind == PostOp::Kind::kActivation) {
        for (const Eltwise& e : eltwise_of(post_op))
          ops.append_eltwise(1, e.algorithm, e.alpha, e.beta);
      } else {
        residual_index_ = ops.len();
        if (residual == Residual::kSum)
          ops.append_sum(1);
        else
          ops.append_binary(dnnl::algorithm::binary_add, out_layout);
      }
    }
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attributes.set_post_ops(ops);
    return attributes;
  }

  // Blocked layouts first, so that neighbours agree, with the residual in either way (binary: as
  // another argument); then whatever oneDNN likes.
  std::optional<convolution_forward::primitive_desc> choose(DataType type, DataType out_type,
                                                            bool& binary) {
    binary = false;
    if (auto primitive = describe_blocked(Residual::kSum, type, out_type)) return primitive;
    if (residual_ != nullptr) {
      const auto primitive = describe_blocked(Residual::kBinary, type, out_type);
      binary = primitive.has_value();
      if (binary) return primitive;
    }
    return describe(Residual::kSum, any_layout(problem_.in, type), any_layout(out_, out_type), "");
  }

  std::optional<convolution_forward::primitive_desc> describe_blocked(Residual residual,
                                                                      DataType type,
                                                                      DataType out_type) {
    const Layout source = conv_source_layout(builder_, node_.inputs[0], problem_.groups, type);
    return describe(residual, source, builder_.map_layout(out_, out_type), "jit");
  }

  std::optional<convolution_forward::primitive_desc> describe(Residual residual,
                                                              const Layout& source,
                                                              const Layout& target,
                                                              std::string_view wanted) {
    return describe_conv(builder_, problem_, source, target, attributes(residual, target), wanted);
  }

  PlanBuilder& builder_;
  const GraphNode& node_;
  const Shape& out_;
  ConvProblem problem_;
  const std::string* residual_ = nullptr;  // the name of the other term of a fused addition
  int residual_index_ = 0;                 // of its oneDNN post-operation
};

}  // namespace

bool lower_conv(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  return ConvLowering(builder, node, out).lower();
}

}  // namespace cairn::engine
