// 3×3 convolutions of bfloat16 plans by our own kernel with fewer multiplications, where that is
// faster: enough channels to pay for the transforms, enough tiles to pay for the larger weights.
#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "cairn/engine/kernels/avx512_bf16.h"
#include "cairn/engine/kernels/winograd.h"
#include "cairn/engine/plan/conv_problem.h"

namespace cairn::engine {
namespace {

constexpr int64_t kLeastInput = 32;  // channels
constexpr int64_t kLeastOutput = 64;
constexpr size_t kLeastTiles = 24;
// Products of 8 bits are twice as fast as the kernel's, and take less of a large filter's memory.
constexpr int64_t kLeastInputOf8Bits = 128;
constexpr size_t kLeastTilesOf8Bits = 8;  // of 64 channels

class WinogradStep : public Step {
 public:
  struct Buffers {
    BufferId from = 0;
    BufferId to = 0;
    BufferId weights = 0;
    std::optional<BufferId> bias{};
    std::optional<BufferId> residual{};
    bool from_8_bits = false;
    bool to_8_bits = false;
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
    if (!buffers_.from_8_bits)
      run_on<kernels::Bf16, kernels::Bf16>(state);
    else if (!buffers_.to_8_bits)
      run_on<uint8_t, kernels::Bf16>(state);
    else
      run_on<uint8_t, uint8_t>(state);
  }

 private:
  template <typename X, typename Y>
  void run_on(const RunState& state) const {
    const X* x = state.at<X>(buffers_.from);
    const Y* residual = buffers_.residual ? state.at<Y>(*buffers_.residual) : nullptr;
    Y* y = state.at<Y>(buffers_.to);
    const size_t results = kernel_.out_height * kernel_.out_width * kernel_.out_channels;
    for (size_t n = 0; n < images_; ++n) {
      if constexpr (std::is_same_v<Y, uint8_t>)
        kernels::winograd(kernel_, x, y, state.scratchpad);
      else
        kernels::winograd(kernel_, x, residual, y, state.scratchpad);
      x += kernel_.height * kernel_.width * kernel_.in_channels;
      y += results;
      if (residual != nullptr) residual += results;
    }
  }

  kernels::Winograd kernel_;
  size_t images_;
  Buffers buffers_;
};

// Whether the convolution is one for the kernel.
bool is_for_winograd(const PlanBuilder& builder, const ConvProblem& problem) {
  const auto is_map = [&](const Shape& shape, int64_t least_channels) {
    return builder.has_bf16_channels_last(shape) && shape[1] >= least_channels &&
           shape[1] % 16 == 0;
  };
  return problem.in.size() == 4 && problem.groups == 1 && all_are(problem.window.kernel, 3) &&
         all_are(problem.window.strides, 1) &&
         all_are(problem.window.dilations, problem.window.dilations[0]) &&
         is_map(problem.in, kLeastInput) && is_map(problem.out, kLeastOutput);
}

}  // namespace

bool lower_winograd(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.op_type != "Conv" || !builder.multiplies_bf16_in_vectors() ||
      !kernels::has_avx512_bf16() || !builder.is_planned_f32(node.inputs[0]))
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
  const auto ending = ending_of(builder, node, out);
  if (kernel.tiles() < kLeastTiles || !ending) return false;
  kernel.low = ending->low;
  kernel.high = ending->high;
  // In 8 bits where it lies so from 0 on, as what is rectified does.
  const Placement* const eight = builder.in_8_bits(node.inputs[0]);
  const bool from_8_bits = eight != nullptr && eight->grid.type == DType::kU8 &&
                           eight->grid.zero == 0 && is_channels_last(eight->layout);
  if (is_int8_conv(builder, node) &&
      (!from_8_bits || in[1] < kLeastInputOf8Bits ||
       kernel.tiles() * 64 < kLeastTilesOf8Bits * kernel.in_channels))
    return false;
  if (ending->grid &&
      (!from_8_bits || ending->grid->type != DType::kU8 || ending->residual != nullptr))
    return false;

  const Layout source = channels_last_layout(in, from_8_bits ? DataType::u8 : DataType::bf16);
  const Layout target = channels_last_layout(out, ending->grid ? DataType::u8 : DataType::bf16);
  const float unit = (from_8_bits ? eight->grid.scale : 1) * ending->unit();
  WinogradStep::Buffers buffers;
  buffers.from_8_bits = from_8_bits;
  buffers.to_8_bits = ending->grid.has_value();
  buffers.from = builder.in_layout(node.inputs[0], source);
  if (ending->residual != nullptr) buffers.residual = builder.in_layout(*ending->residual, target);
  const bool in_place = buffers.residual && *buffers.residual != buffers.from &&
                        builder.may_overwrite(*buffers.residual);
  buffers.to = in_place ? *buffers.residual : builder.new_buffer(target.get_size());
  const auto weights =
      builder.weights().made(node.inputs[1], fmt::format("winograd times {:a}", unit), [&] {
        const Tensor& numbers = *problem->weights;
        std::vector<float> scaled(numbers.data<float>(), numbers.data<float>() + numbers.count());
        for (float& number : scaled) number *= unit;
        return copy_of(
            kernels::pack_winograd(scaled.data(), kernel.out_channels, kernel.in_channels));
      });
  buffers.weights = builder.constant_buffer(weights);
  if (problem->bias != nullptr || ending->grid) {
    Tensor bias(DType::kF32, {out[1]});
    for (size_t c = 0; c < bias.count(); ++c)
      bias.data<float>()[c] =
          (problem->bias != nullptr ? problem->bias->data<float>()[c] * ending->unit() : 0) +
          ending->zero();
    buffers.bias = builder.constant_buffer(bias.memory());
  }
  auto step = std::make_unique<WinogradStep>(kernel, dim(out, 0), buffers);
  step->detail = problem->text();
  step->flops = problem->flops();
  step->weight_bytes = problem->weights->count() * 24 / 9 * sizeof(kernels::Bf16);
  builder.add_step(std::move(step));
  builder.define(node.outputs[0], ending->grid ? ending->grid->type : DType::kF32, out,
                 {target, buffers.to});
  return true;
}

}  // namespace cairn::engine
