// 3×3 convolutions of bfloat16 plans by our own kernel with fewer multiplications, where that is
// faster: enough channels to pay for the transforms, enough tiles to pay for the larger weights.
#include <algorithm>
#include <limits>

#include "cairn/engine/kernels/winograd.h"
#include "cairn/engine/plan/conv_problem.h"

namespace cairn::engine {
namespace {

constexpr int64_t kLeastInput = 32;  // channels
constexpr int64_t kLeastOutput = 64;
constexpr size_t kLeastTiles = 24;

class WinogradStep : public Step {
 public:
  struct Buffers {
    BufferId from = 0;
    BufferId to = 0;
    BufferId weights = 0;
    std::optional<BufferId> bias{};
    std::optional<BufferId> residual{};
  };

  WinogradStep(const kernels::Winograd& kernel, size_t images, const Buffers& buffers)
      : kernel_(kernel), images_(images), buffers_(buffers) {
    label = "Conv (Winograd)";
    reads = {buffers.from};
    if (buffers.residual) reads.push_back(*buffers.residual);
    writes = {buffers.to};
    scratchpad_bytes = kernel.scratch_bytes();
  }

  void run(RunState& state) override {
    kernel_.weights = state.at<kernels::Bf16>(buffers_.weights);
    if (buffers_.bias) kernel_.bias = state.at<float>(*buffers_.bias);
    const size_t in_image = kernel_.height * kernel_.width * kernel_.in_channels;
    const size_t out_image = kernel_.out_height * kernel_.out_width * kernel_.out_channels;
    for (size_t n = 0; n < images_; ++n)
      kernels::winograd(
          kernel_, state.at<kernels::Bf16>(buffers_.from) + n * in_image,
          buffers_.residual ? state.at<kernels::Bf16>(*buffers_.residual) + n * out_image : nullptr,
          state.at<kernels::Bf16>(buffers_.to) + n * out_image, state.scratchpad);
  }

 private:
  kernels::Winograd kernel_;
  size_t images_;
  Buffers buffers_;
};

// The addition and the bounds after the sums; false where something else follows them.
bool read_post_ops(const GraphNode& node, kernels::Winograd& kernel, const std::string*& residual) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  kernel.low = -kInfinity;
  kernel.high = kInfinity;
  for (size_t i = 0; i < node.post_ops.size(); ++i) {
    const PostOp& op = node.post_ops[i];
    const bool last = i + 1 == node.post_ops.size();
    if (op.kind == PostOp::Kind::kAdd && i == 0) {
      residual = &node.inputs[op.operand];
    } else if (op.kind == PostOp::Kind::kActivation && last && op.activation == Activation::kRelu &&
               op.alpha == 0) {
      kernel.low = 0;
    } else if (op.kind == PostOp::Kind::kActivation && last && op.activation == Activation::kClip) {
      kernel.low = op.alpha;
      kernel.high = op.beta;
    } else {
      return false;
    }
  }
  return true;
}

// Whether the convolution is one for the kernel.
bool is_for_winograd(const PlanBuilder& builder, const ConvProblem& problem) {
  const auto all = [](const std::vector<int64_t>& values, int64_t wanted) {
    return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v == wanted; });
  };
  const auto is_map = [&](const Shape& shape, int64_t least_channels) {
    return builder.map_type(shape) == DataType::bf16 &&
           is_channels_last(builder.map_layout(shape, DataType::bf16)) &&
           shape[1] >= least_channels && shape[1] % 16 == 0;
  };
  return problem.in.size() == 4 && problem.groups == 1 && all(problem.window.kernel, 3) &&
         all(problem.window.strides, 1) &&
         all(problem.window.dilations, problem.window.dilations[0]) &&
         is_map(problem.in, kLeastInput) && is_map(problem.out, kLeastOutput);
}

}  // namespace

bool lower_winograd(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.op_type != "Conv" || !builder.multiplies_bf16_in_vectors() || !kernels::has_winograd() ||
      !builder.is_planned_f32(node.inputs[0]))
    return false;
  const Shape in = builder.value(node.inputs[0]).shape;
  const auto problem = conv_problem(builder, node, in, out);
  if (!problem || !is_for_winograd(builder, *problem)) return false;
  const auto dim = [](const Shape& shape, size_t axis) { return static_cast<size_t>(shape[axis]); };
  kernels::Winograd kernel;
  kernel.in_channels = dim(in, 1);
  kernel.height = dim(in, 2);
  kernel.width = dim(in, 3);
  kernel.pad_top = static_cast<size_t>(problem->window.pads_begin[0]);
  kernel.pad_left = static_cast<size_t>(problem->window.pads_begin[1]);
  kernel.dilation = static_cast<size_t>(problem->window.dilations[0]);
  kernel.out_channels = dim(out, 1);
  kernel.out_height = dim(out, 2);
  kernel.out_width = dim(out, 3);
  const std::string* residual = nullptr;
  if (kernel.tiles() < kLeastTiles || !read_post_ops(node, kernel, residual)) return false;
  if (residual != nullptr &&
      (!builder.is_planned_f32(*residual) || builder.value(*residual).shape != out))
    return false;

  const Layout target = channels_last_layout(out, DataType::bf16);
  WinogradStep::Buffers buffers;
  buffers.from = builder.in_layout(node.inputs[0], channels_last_layout(in, DataType::bf16));
  if (residual != nullptr) buffers.residual = builder.in_layout(*residual, target);
  const bool in_place = buffers.residual && *buffers.residual != buffers.from &&
                        builder.may_overwrite(*buffers.residual);
  buffers.to = in_place ? *buffers.residual : builder.new_buffer(target.get_size());
  const auto weights = builder.weights().made(node.inputs[1], "winograd", [&] {
    const auto packed = kernels::pack_winograd(problem->weights->data<float>(), kernel.out_channels,
                                               kernel.in_channels);
    return copy_of(packed);
  });
  buffers.weights = builder.constant_buffer(weights);
  if (problem->bias != nullptr) buffers.bias = builder.constant_buffer(problem->bias->memory());
  auto step = std::make_unique<WinogradStep>(kernel, dim(out, 0), buffers);
  step->detail = problem->text();
  step->flops = problem->flops();
  step->weight_bytes = problem->weights->count() * 24 / 9 * sizeof(kernels::Bf16);
  builder.add_step(std::move(step));
  builder.define(node.outputs[0], DType::kF32, out, {target, buffers.to});
  return true;
}

}  // namespace cairn::engine
