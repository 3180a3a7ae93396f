// Depthwise convolutions of bfloat16 plans by our own kernel, with the widening convolution before
// them where there is one (of 8 bits where that is), with the quantisation after them, or with the
// means of what they make, which squeeze-and-excitation asks for.
#include <algorithm>
#include <limits>

#include "cairn/engine/kernels/avx512_bf16.h"
#include "cairn/engine/kernels/expand_depthwise.h"
#include "cairn/engine/plan/byte_weights.h"

namespace cairn::engine {
namespace {

using kernels::ExpandDepthwise;

class ExpandDepthwiseStep : public Step {
 public:
  struct Buffers {
    BufferId from = 0;
    BufferId to = 0;
    std::optional<BufferId> means{};
    BufferId expand_weights = 0;  // where there is such a convolution
    BufferId expand_units = 0;    // where it is of 8 bits
    BufferId expand_bias = 0;
    BufferId depthwise_weights = 0;
    BufferId depthwise_bias = 0;
  };

  ExpandDepthwiseStep(const ExpandDepthwise& kernel, size_t images, const Buffers& buffers)
      : kernel_(kernel), images_(images), buffers_(buffers) {
    reads = {buffers.from};
    writes = {buffers.to};
    if (buffers.means) writes.push_back(*buffers.means);
    scratchpad_bytes = kernel.scratch_floats() * sizeof(float);
  }

  void run(RunState& state) override {
    using Source = ExpandDepthwise::Source;
    switch (kernel_.source) {
      case Source::kPhoto:
        kernel_.expand_weights_f32 = state.at<float>(buffers_.expand_weights);
        break;
      case Source::kMap:
        kernel_.expand_weights = state.at<kernels::Bf16>(buffers_.expand_weights);
        break;
      case Source::kBytes:
        kernel_.expand_weights_s8 = state.at<int8_t>(buffers_.expand_weights);
        kernel_.expand_units = state.at<float>(buffers_.expand_units);
        break;
      case Source::kWide:
        break;
    }
    if (kernel_.source != Source::kWide)
      kernel_.expand_bias = state.at<float>(buffers_.expand_bias);
    kernel_.depthwise_weights = state.at<float>(buffers_.depthwise_weights);
    kernel_.depthwise_bias = state.at<float>(buffers_.depthwise_bias);
    const size_t number = kernel_.source == Source::kPhoto   ? sizeof(float)
                          : kernel_.source == Source::kBytes ? 1
                                                             : sizeof(kernels::Bf16);
    const size_t in_image = kernel_.in_height * kernel_.in_width * kernel_.in_channels * number;
    const size_t positions = kernel_.out_height * kernel_.out_width;
    const size_t out_image =
        positions * kernel_.channels * (kernel_.out_grid ? 1 : sizeof(kernels::Bf16));
    const float share = 1 / static_cast<float>(positions);
    for (size_t n = 0; n < images_; ++n) {
      float* const means =
          buffers_.means ? state.at<float>(*buffers_.means) + n * kernel_.channels : nullptr;
      kernels::expand_depthwise(kernel_, state.at<char>(buffers_.from) + n * in_image,
                                state.at<char>(buffers_.to) + n * out_image, means,
                                static_cast<float*>(state.scratchpad));
      for (size_t c = 0; means != nullptr && c < kernel_.channels; ++c) means[c] *= share;
    }
  }

 private:
  ExpandDepthwise kernel_;
  size_t images_;
  Buffers buffers_;
};

// What happens before a quantisation; nothing where the kernel cannot.
std::optional<kernels::Activation> activation_of(const GraphNode& node) {
  using Kind = kernels::Activation::Kind;
  const size_t count = node.post_ops.size() - (node.final_grid() != nullptr ? 1 : 0);
  if (count == 0) return kernels::Activation{};
  const PostOp& op = node.post_ops[0];
  if (count != 1 || op.kind != PostOp::Kind::kActivation) return std::nullopt;
  if (op.activation == Activation::kSilu) return kernels::Activation{.kind = Kind::kSilu};
  if (op.activation == Activation::kClip)
    return kernels::Activation{.kind = Kind::kClip, .low = op.alpha, .high = op.beta};
  if (op.activation == Activation::kRelu && op.alpha == 0)
    return kernels::Activation{.kind = Kind::kClip, .high = std::numeric_limits<float>::infinity()};
  return std::nullopt;
}

// The weights as the kernel wants them.
BufferId packed_weights(PlanBuilder& builder, const GraphNode& node, const ConvProblem& problem,
                        bool pairs = false) {
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

// Tiles add up in another order. EfficientNet-B0, where SiLU follows, stays so near to float32 that
// this does not matter (cosine 0.99999). MobileNetV2's scores in bfloat16 are all but as low as
// they may be, and fell below: its GAP over 456 photos by 0.3 points, one photo's rank, although
// its embeddings came no further from those of float32.
bool suits_tiles(const ExpandDepthwise& kernel) {
  return kernel.source == ExpandDepthwise::Source::kBytes ||
         kernel.first.kind == kernels::Activation::Kind::kSilu;
}

// A convolution before a depthwise one, where the kernel can compute it.
struct Expansion {
  const GraphNode& node;
  ConvProblem problem;
  ExpandDepthwise::Source source;
};

bool add_depthwise(PlanBuilder& builder, const std::optional<Expansion>& expansion,
                   const GraphNode& node, const ConvProblem& depthwise) {
  const std::string& input = expansion ? expansion->node.inputs[0] : node.inputs[0];
  const Shape in = builder.value(input).shape;
  const Shape& out = depthwise.out;
  const Grid* const grid = node.final_grid();
  if (grid != nullptr && grid->type != DType::kU8) return false;
  const auto second = activation_of(node);
  const auto first = expansion ? activation_of(expansion->node) : kernels::Activation{};
  if (!first || !second) return false;
  const auto dim = [](const Shape& shape, size_t axis) { return static_cast<size_t>(shape[axis]); };
  using Source = ExpandDepthwise::Source;
  ExpandDepthwise kernel;
  kernel.source = expansion ? expansion->source : Source::kWide;
  if (expansion) kernel.expansion = window_2d(expansion->problem.window);
  kernel.in_channels = dim(in, 1);
  kernel.in_height = dim(in, 2);
  kernel.in_width = dim(in, 3);
  kernel.first = *first;
  kernel.tiles = PlanBuilder::multiplies_in_tiles() && suits_tiles(kernel);
  kernel.channels = dim(out, 1);
  kernel.height = dim(depthwise.in, 2);
  kernel.width = dim(depthwise.in, 3);
  kernel.depthwise = window_2d(depthwise.window);
  kernel.second = *second;
  kernel.out_height = dim(out, 2);
  kernel.out_width = dim(out, 3);
  if (grid != nullptr) kernel.out_grid = {.scale = grid->scale, .zero = grid->zero};

  const Layout target = channels_last_layout(out, grid != nullptr ? DataType::u8 : DataType::bf16);
  ExpandDepthwiseStep::Buffers buffers;
  size_t weight_size = sizeof(float);
  switch (kernel.source) {
    case Source::kPhoto:
      buffers.from = builder.plain(input);
      break;
    case Source::kBytes: {
      const Grid from = builder.in_8_bits(input)->grid;
      kernel.in_zero = static_cast<uint8_t>(from.zero);
      buffers.from = builder.in_layout(input, channels_last_layout(in, DataType::u8));
      const ByteWeights weights = byte_weights(builder, expansion->node, expansion->problem, from);
      buffers.expand_weights = weights.packed;
      buffers.expand_units = packed_numbers(builder, weights.units);
      buffers.expand_bias = packed_numbers(builder, weights.shifts);
      weight_size = 1;
      break;
    }
    case Source::kMap:
    case Source::kWide:
      buffers.from = builder.in_layout(input, channels_last_layout(in, DataType::bf16));
      weight_size = sizeof(kernels::Bf16);
      break;
  }
  buffers.to = builder.new_buffer(target.get_size());
  if (grid == nullptr)
    buffers.means = builder.new_buffer(dim(out, 0) * kernel.channels * sizeof(float));
  if (kernel.source == Source::kPhoto || kernel.source == Source::kMap) {
    buffers.expand_weights =
        packed_weights(builder, expansion->node, expansion->problem, kernel.source == Source::kMap);
    buffers.expand_bias = packed_bias(builder, expansion->problem);
  }
  buffers.depthwise_weights = packed_weights(builder, node, depthwise);
  buffers.depthwise_bias = packed_bias(builder, depthwise);
  const auto means = buffers.means;
  auto step = std::make_unique<ExpandDepthwiseStep>(kernel, dim(out, 0), buffers);
  step->label = expansion ? "Conv+depthwise" : "depthwise";
  if (expansion) {
    step->int8 = kernel.source == Source::kBytes;
    step->detail = expansion->problem.text() + "; ";
    step->flops = expansion->problem.flops();
    step->weight_bytes = expansion->problem.weights->count() * weight_size;
  }
  step->detail += depthwise.text();
  step->flops += depthwise.flops();
  step->weight_bytes += depthwise.weights->bytes();
  builder.add_step(std::move(step));
  builder.define(node.outputs[0], grid != nullptr ? grid->type : DType::kF32, out,
                 {target, buffers.to});
  builder.value(node.outputs[0]).means = means;
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

// How the kernel reads what the expansion does; nothing where it cannot.
std::optional<ExpandDepthwise::Source> source_of(PlanBuilder& builder, const GraphNode& node,
                                                 const ConvProblem& expansion) {
  using Source = ExpandDepthwise::Source;
  const std::string& input = node.inputs[0];
  const bool photo = expansion.in[1] <= kPhotoChannels && all_are(expansion.window.dilations, 1);
  const bool pointwise = is_pointwise(expansion.window);
  const Placement* const eight = builder.in_8_bits(input);
  if (eight != nullptr && eight->grid.type == DType::kU8 && is_int8_conv(builder, node) &&
      (photo || (pointwise && expansion.in[1] % 4 == 0)))
    return Source::kBytes;
  if (photo && !is_bf16(builder.layout_of(input))) return Source::kPhoto;
  if (expansion.in[1] > kPhotoChannels && expansion.in[1] % 2 == 0 && pointwise)
    return Source::kMap;
  return std::nullopt;
}

}  // namespace

bool kernel_takes_depthwise(const GraphNode& node, const Shape& weights) {
  return kernels::has_avx512_bf16() && weights.size() == 4 &&
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
  const auto source = source_of(builder, first, *expansion);
  return source &&
         add_depthwise(builder, Expansion{first, *expansion, *source}, second, *depthwise);
}

}  // namespace cairn::engine
