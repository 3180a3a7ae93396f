// Conv of 8 bits by 8 bits: what stands in the file as
//   QuantizeLinear → DequantizeLinear → Conv (weights: DequantizeLinear of int8) → QuantizeLinear
// is one primitive that sums in int32 (Jacob et al., "Quantization and Training of Neural Networks
// for Efficient Integer-Arithmetic-Only Inference", 2018).
#include <cmath>

#include "cairn/engine/plan/conv_problem.h"

namespace cairn::engine {
namespace {

using dnnl::algorithm;
using dnnl::convolution_forward;

// Without the instructions of VNNI sums of two products saturate at 16 bits, and float32 is no
// slower.
bool multiplies_bytes() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa >= dnnl::cpu_isa::avx512_core_vnni || isa == dnnl::cpu_isa::avx2_vnni;
}

class Int8Conv {
 public:
  Int8Conv(PlanBuilder& builder, const GraphNode& node, const Shape& out)
      : builder_(builder), node_(node), out_(out) {}

  bool lower() {
    if (!prepare()) return false;
    const DataType type = target_type();
    const Layout target_layout = channels_last_layout(out_, type);
    const std::optional<dnnl::primitive_attr> attributes = attributes_for(target_layout);
    if (!attributes) return false;
    const Layout source = channels_last_layout(problem_.in, source_.layout.data_type());
    const auto primitive =
        describe_conv(builder_, problem_, source, target_layout, *attributes, "");
    if (!primitive) return false;
    const BufferId from = builder_.in_layout(node_.inputs[0], source);
    std::vector<PlanBuilder::Argument> reads = {
        {DNNL_ARG_SRC, source, from},
        {DNNL_ARG_WEIGHTS, primitive->weights_desc(),
         builder_.constant_buffer(builder_.weights().packed(
             node_.inputs[1], weights_->values,
             plain_layout(problem_.weights_shape(), DataType::s8), primitive->weights_desc()))}};
    if (problem_.bias != nullptr)
      reads.push_back(
          {DNNL_ARG_BIAS, primitive->bias_desc(), builder_.constant_buffer(bias().memory())});
    const BufferId target = place_residual(target_layout, from, reads);
    Step& step = builder_.add_primitive("Conv int8", convolution_forward(*primitive),
                                        primitive->scratchpad_desc(), reads,
                                        {{DNNL_ARG_DST, target_layout, target}});
    step.detail = problem_.text();
    step.flops = problem_.flops();
    step.int8 = true;
    builder_.define(node_.outputs[0], grid_ ? grid_->type : DType::kF32, out_,
                    {target_layout, target});
    return true;
  }

 private:
  bool prepare() {
    if (!is_int8_conv(builder_, node_) || out_.size() < 3 || out_.size() > 5) return false;
    const auto problem = conv_problem(builder_, node_, builder_.value(node_.inputs[0]).shape, out_);
    if (!problem) return false;
    problem_ = *problem;
    source_ = *builder_.in_8_bits(node_.inputs[0]);
    weights_ = &builder_.graph().quantised.at(node_.inputs[1]);
    if (const Grid* const grid = node_.final_grid()) grid_ = *grid;
    const auto residual = residual_of(builder_, node_, out_);
    residual_ = residual.value_or(nullptr);
    return residual.has_value();
  }

  DataType target_type() const {
    if (grid_) return grid_->type == DType::kU8 ? DataType::u8 : DataType::s8;
    return builder_.map_type_of(node_.outputs[0], out_);
  }

  // The sums are of steps of the input times steps of the weights: this is what one is worth.
  float unit(size_t channel) const { return source_.grid.scale * weights_->scales[channel]; }

  // oneDNN adds the bias to the sums, before they are scaled.
  Tensor bias() const {
    Tensor scaled(DType::kF32, {out_[1]});
    for (size_t c = 0; c < scaled.count(); ++c)
      scaled.data<float>()[c] = problem_.bias->data<float>()[c] / unit(c);
    return scaled;
  }

  // Whether all that happens before the quantisation may as well happen in its steps.
  bool scales_early() const { return residual_ == nullptr || in_place_; }

  // Nothing where a number is beyond float32.
  std::optional<dnnl::primitive_attr> attributes_for(const Layout& target) {
    const Placement* const residual = residual_ ? builder_.in_8_bits(*residual_) : nullptr;
    in_place_ = residual != nullptr && grid_ && is_channels_last(residual->layout);
    bool homogeneous = scales_early();
    for (const PostOp& post_op : node_.post_ops)
      if (post_op.kind == PostOp::Kind::kActivation && post_op.activation != Activation::kRelu &&
          post_op.activation != Activation::kClip)
        homogeneous = false;
    const float step = grid_ && homogeneous ? grid_->scale : 1;
    std::vector<float> scales(weights_->scales.size());
    for (size_t c = 0; c < scales.size(); ++c) {
      scales[c] = unit(c) / step;
      if (!(scales[c] > 0) || !std::isfinite(scales[c]) || !std::isfinite(1 / unit(c)))
        return std::nullopt;
    }
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attributes.set_output_scales(1 << 1, scales);
    if (source_.grid.zero != 0) attributes.set_zero_points(DNNL_ARG_SRC, 0, {source_.grid.zero});
    dnnl::post_ops ops;
    for (size_t k = 0; k < node_.post_ops.size(); ++k) {
      const PostOp& post_op = node_.post_ops[k];
      if (post_op.kind == PostOp::Kind::kActivation) {
        if (is_implied(k)) continue;
        PostOp scaled = post_op;
        if (post_op.activation == Activation::kClip) {
          scaled.alpha /= step;
          scaled.beta /= step;
        }
        for (const Eltwise& e : eltwise_of(scaled))
          ops.append_eltwise(1, e.algorithm, e.alpha, e.beta);
      } else if (post_op.kind == PostOp::Kind::kAdd) {
        if (in_place_)
          ops.append_sum(residual->grid.scale / step, residual->grid.zero,
                         residual->layout.data_type());
        else
          append_binary(ops, target);
      }
    }
    if (grid_ && (step != grid_->scale || grid_->zero != 0))
      ops.append_eltwise(1, algorithm::eltwise_linear, step / grid_->scale,
                         static_cast<float>(grid_->zero));
    attributes.set_post_ops(ops);
    return attributes;
  }

  // Rectified is what the lower end of an unsigned grid whose zero is 0 does anyway.
  bool is_implied(size_t k) const {
    const PostOp& post_op = node_.post_ops[k];
    return grid_ && grid_->type == DType::kU8 && grid_->zero == 0 &&
           k + 2 == node_.post_ops.size() && post_op.activation == Activation::kRelu &&
           post_op.alpha == 0;
  }

  void append_binary(dnnl::post_ops& ops, const Layout& target) {
    const bool to_8_bits = is_8bit(target);
    binary_layout_ = channels_last_layout(
        out_, to_8_bits ? builder_.layout_of(*residual_).data_type() : target.data_type());
    binary_index_ = ops.len();
    ops.append_binary(algorithm::binary_add, binary_layout_);
  }

  // Brings the other term of an addition to the primitive; returns where the primitive writes.
  BufferId place_residual(const Layout& target, BufferId source,
                          std::vector<PlanBuilder::Argument>& reads) {
    if (residual_ == nullptr) return builder_.new_buffer(target.get_size());
    if (!in_place_) {
      reads.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(binary_index_) | DNNL_ARG_SRC_1,
                       binary_layout_, builder_.in_layout(*residual_, binary_layout_)});
      return builder_.new_buffer(target.get_size());
    }
    const Placement residual = *builder_.in_8_bits(*residual_);
    if (residual.buffer != source && builder_.may_overwrite(residual.buffer))
      return residual.buffer;
    const BufferId copied = builder_.new_buffer(target.get_size());
    add_copy(builder_, residual.layout, residual.buffer, copied);
    return copied;
  }

  PlanBuilder& builder_;
  const GraphNode& node_;
  const Shape& out_;
  ConvProblem problem_;
  Placement source_;
  const QuantisedWeights* weights_ = nullptr;
  std::optional<Grid> grid_;               // of the output
  const std::string* residual_ = nullptr;  // the name of the other term of a fused addition
  bool in_place_ = false;                  // it lies in 8 bits where the output goes
  Layout binary_layout_;                   // otherwise it is an argument of its own
  int binary_index_ = 0;
};

}  // namespace

bool is_int8_conv(PlanBuilder& builder, const GraphNode& node) {
  static const bool kNative = multiplies_bytes();
  return kNative && node.op_type == "Conv" && node.inputs.size() >= 2 &&
         builder.graph().quantised.contains(node.inputs[1]) &&
         builder.in_8_bits(node.inputs[0]) != nullptr;
}

bool lower_int8_conv(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  return Int8Conv(builder, node, out).lower();
}

}  // namespace cairn::engine
