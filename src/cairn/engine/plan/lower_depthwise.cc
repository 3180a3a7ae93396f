// Depthwise convolutions of bfloat16 plans by our own kernel, with the widening convolution before
// them where there is one, and with the means of what they make, which squeeze-and-excitation asks
// for.
#include <algorithm>
#include <limits>

#include "cairn/engine/kernels/expand_depthwise.h"
#include "cairn/engine/plan/conv_problem.h"

namespace cairn::engine {
namespace {

using kernels::ExpandDepthwise;

class ExpandDepthwiseStep : public Step {
 public:
  struct Buffers {
    BufferId from = 0;
    BufferId to = 0;
    BufferId means = 0;
    BufferId expand_weights = 0;  // where there is such a convolution
    BufferId expand_bias = 0;
    BufferId depthwise_weights = 0;
    BufferId depthwise_bias = 0;
  };

  ExpandDepthwiseStep(const ExpandDepthwise& kernel, size_t images, const Buffers& buffers)
      : kernel_(kernel), images_(images), buffers_(buffers) {
    reads = {buffers.from};
    writes = {buffers.to, buffers.means};
    scratchpad_bytes = kernel.scratch_floats() * sizeof(float);
  }

  void run(RunState& state) override {
    const bool photo = kernel_.source == ExpandDepthwise::Source::kPhoto;
    const bool map = kernel_.source == ExpandDepthwise::Source::kMap;
    if (photo) kernel_.expand_weights_f32 = state.at<float>(buffers_.expand_weights);
    if (map) kernel_.expand_weights = state.at<kernels::Bf16>(buffers_.expand_weights);
    if (photo || map) kernel_.expand_bias = state.at<float>(buffers_.expand_bias);
    kernel_.depthwise_weights = state.at<float>(buffers_.depthwise_weights);
    kernel_.depthwise_bias = state.at<float>(buffers_.depthwise_bias);
    const size_t in_image = kernel_.in_height * kernel_.in_width * kernel_.in_channels *
                            (photo ? sizeof(float) : sizeof(kernels::Bf16));
    const size_t positions = kernel_.out_height * kernel_.out_width;
    const float share = 1 / static_cast<float>(positions);
    for (size_t n = 0; n < images_; ++n) {
      float* const means = state.at<float>(buffers_.means) + n * kernel_.channels;
      kernels::expand_depthwise(
          kernel_, state.at<char>(buffers_.from) + n * in_image,
          state.at<kernels::Bf16>(buffers_.to) + n * positions * kernel_.channels, means,
          static_cast<float*>(state.scratchpad));
      for (size_t c = 0; c < kernel_.channels; ++c) means[c] *= share;
    }
  }

 private:
  ExpandDepthwise kernel_;
  size_t images_;
  Buffers buffers_;
};

std::optional<kernels::Activation> activation_of(const GraphNode& node) {
  using Kind = kernels::Activation::Kind;
  if (node.post_ops.empty()) return kernels::Activation{};
  const PostOp& op = node.post_ops[0];
  if (node.post_ops.size() != 1 || op.kind != PostOp::Kind::kActivation) return std::nullopt;
  if (op.activation == Activation::kSilu) return kernels::Activation{.kind = Kind::kSilu};
  if (op.activation == Activation::kClip)
    return kernels::Activation{.kind = Kind::kClip, .low = op.alpha, .high = op.beta};
  if (op.activation == Activation::kRelu && op.alpha == 0)
    return kernels::Activation{.kind = Kind::kClip, .high = std::numeric_limits<float>::infinity()};
  return std::nullopt;
}

kernels::Window2d window_2d(const Window& window) {
  const auto size = [](const std::vector<int64_t>& sizes, size_t axis) {
    return static_cast<size_t>(sizes[axis]);
  };
  return {.height = size(window.kernel, 0),
          .width = size(window.kernel, 1),
          .stride_y = size(window.strides, 0),
          .stride_x = size(window.strides, 1),
          .pad_top = size(window.pads_begin, 0),
          .pad_left = size(window.pads_begin, 1)};
}

bool all_are(const std::vector<int64_t>& values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v == wanted; });
}

bool is_pointwise(const Window& window) {
  return all_are(window.kernel, 1) && all_are(window.strides, 1) && all_are(window.pads_begin, 0) &&
         all_are(window.pads_end, 0);
}

// The weights as the kernel wants them.
BufferId packed_weights(PlanBuilder& builder, const GraphNode& node, const ConvProblem& problem,
                        bool pairs) {
  const float* const weights = problem.weights->data<float>();
  const auto channels = static_cast<size_t>(problem.weights->dim(0));
  const size_t taps = problem.weights->count() / channels;
  return builder.constant_buffer(
      builder.weights().made(node.inputs[1], pairs ? "pairs" : "blocks", [&] {
        return pairs ? copy_of(kernels::pack_pairs(weights, channels, taps))
                     : copy_of(kernels::pack_blocks(weights, channels, taps));
      }));
}

BufferId packed_bias(PlanBuilder& builder, const ConvProblem& problem) {
  const float* const bias = problem.bias == nullptr ? nullptr : problem.bias->data<float>();
  return builder.constant_buffer(
      copy_of(kernels::pack_bias(bias, static_cast<size_t>(problem.out[1]))));
}

// A convolution before a depthwise one, where the kernel can compute it.
struct Expansion {
  const GraphNode& node;
  ConvProblem problem;
};

bool add_depthwise(PlanBuilder& builder, const std::optional<Expansion>& expansion,
                   const GraphNode& node, const ConvProblem& depthwise) {
  const std::string& input = expansion ? expansion->node.inputs[0] : node.inputs[0];
  const Shape in = builder.value(input).shape;
  const Shape& out = depthwise.out;
  const auto second = activation_of(node);
  const auto first = expansion ? activation_of(expansion->node) : kernels::Activation{};
  if (!first || !second) return false;
  const auto dim = [](const Shape& shape, size_t axis) { return static_cast<size_t>(shape[axis]); };
  ExpandDepthwise kernel;
  kernel.source = ExpandDepthwise::Source::kWide;
  if (expansion) {
    const bool photo = expansion->problem.in[1] <= kPhotoChannels;
    kernel.source = photo ? ExpandDepthwise::Source::kPhoto : ExpandDepthwise::Source::kMap;
    kernel.expansion = window_2d(expansion->problem.window);
  }
  kernel.in_channels = dim(in, 1);
  kernel.in_height = dim(in, 2);
  kernel.in_width = dim(in, 3);
  kernel.first = *first;
  kernel.channels = dim(out, 1);
  kernel.height = dim(depthwise.in, 2);
  kernel.width = dim(depthwise.in, 3);
  kernel.depthwise = window_2d(depthwise.window);
  kernel.second = *second;
  kernel.out_height = dim(out, 2);
  kernel.out_width = dim(out, 3);

  const Layout target = channels_last_layout(out, DataType::bf16);
  ExpandDepthwiseStep::Buffers buffers;
  buffers.from = kernel.source == ExpandDepthwise::Source::kPhoto
                     ? builder.plain(input)
                     : builder.in_layout(input, channels_last_layout(in, DataType::bf16));
  buffers.to = builder.new_buffer(target.get_size());
  buffers.means = builder.new_buffer(dim(out, 0) * kernel.channels * sizeof(float));
  const bool pairs = kernel.source == ExpandDepthwise::Source::kMap;
  if (expansion) {
    buffers.expand_weights = packed_weights(builder, expansion->node, expansion->problem, pairs);
    buffers.expand_bias = packed_bias(builder, expansion->problem);
  }
  buffers.depthwise_weights = packed_weights(builder, node, depthwise, false);
  buffers.depthwise_bias = packed_bias(builder, depthwise);
  auto step = std::make_unique<ExpandDepthwiseStep>(kernel, dim(out, 0), buffers);
  step->label = expansion ? "Conv+depthwise" : "depthwise";
  if (expansion) {
    step->detail = expansion->problem.text() + "; ";
    step->flops = expansion->problem.flops();
    step->weight_bytes =
        expansion->problem.weights->count() * (pairs ? sizeof(kernels::Bf16) : sizeof(float));
  }
  step->detail += depthwise.text();
  step->flops += depthwise.flops();
  step->weight_bytes += depthwise.weights->bytes();
  builder.add_step(std::move(step));
  builder.define(node.outputs[0], DType::kF32, out, {target, buffers.to});
  builder.value(node.outputs[0]).means = buffers.means;
  return true;
}

// The depthwise convolution that the node is; nothing where it is none or not one for the kernel.
std::optional<ConvProblem> depthwise_problem(PlanBuilder& builder, const GraphNode& node,
                                             const Shape& in, const Shape& out) {
  if (!builder.own_depthwise() || node.op_type != "Conv" || in.size() != 4 ||
      builder.map_type(in) == DataType::f32 || builder.map_type(out) == DataType::f32)
    return std::nullopt;
  auto problem = conv_problem(builder, node, in, out);
  if (!problem || !problem->depthwise() || problem->groups == 1) return std::nullopt;
  return problem;
}

}  // namespace

bool kernel_takes_depthwise(const GraphNode& node, const Shape& weights) {
  return kernels::has_expand_depthwise() && weights.size() == 4 &&
         weights[2] <= static_cast<int64_t>(kernels::kMaxDepthwiseHeight) &&
         all_are(node.get_ints("dilations", {}), 1) && activation_of(node).has_value();
}

bool lower_depthwise(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.op_type != "Conv" || !builder.is_planned_f32(node.inputs[0])) return false;
  const auto problem = depthwise_problem(builder, node, builder.value(node.inputs[0]).shape, out);
  return problem && add_depthwise(builder, std::nullopt, node, *problem);
}

bool lower_depthwise_pair(PlanBuilder& builder, const GraphNode& first, const GraphNode& second,
                          const Shape& wide) {
  const Tensor* const weights = builder.constant_f32(second, 1);
  if (wide.size() != 4 || weights == nullptr || weights->shape().size() != 4) return false;
  const auto out = conv_output(second, {weights->dim(2), weights->dim(3)}, wide, weights->dim(0));
  if (!out || !fits_dnnl(*out)) return false;
  const auto depthwise = depthwise_problem(builder, second, wide, *out);
  if (!depthwise) return false;
  const PlanValue& input = builder.value(first.inputs[0]);
  const auto expansion = conv_problem(builder, first, input.shape, wide);
  if (!expansion || expansion->groups != 1) return false;
  const bool photo = input.shape[1] <= kPhotoChannels &&
                     !is_bf16(builder.layout_of(first.inputs[0])) &&
                     all_are(expansion->window.dilations, 1);
  const bool map =
      input.shape[1] > kPhotoChannels && input.shape[1] % 2 == 0 && is_pointwise(expansion->window);
  if (!photo && !map) return false;
  return add_depthwise(builder, Expansion{first, *expansion}, second, *depthwise);
}

}  // namespace cairn::engine
