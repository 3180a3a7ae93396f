// A 1×1 convolution of 8 bits after the gate of squeeze-and-excitation, which it takes in: the step
// of the gate, which is the last one made, goes.
#include "cairn/engine/kernels/gated_projection.h"
#include "cairn/engine/plan/byte_weights.h"
#include "cairn/engine/plan/gate_step.h"

namespace cairn::engine {
namespace {

class GatedProjectionStep : public Step {
 public:
  struct Buffers {
    BufferId map = 0;
    BufferId gate = 0;
    std::optional<BufferId> residual{};
    BufferId to = 0;
    BufferId weights = 0;
    BufferId units = 0;
    BufferId bias = 0;
  };

  GatedProjectionStep(const kernels::GatedProjection& kernel, size_t images, const Buffers& buffers)
      : kernel_(kernel), images_(images), buffers_(buffers) {
    label = "gate+Conv int8";
    int8 = true;
    reads = {buffers.map, buffers.gate};
    if (buffers.residual) reads.push_back(*buffers.residual);
    writes = {buffers.to};
    scratchpad_bytes = kernel.scratch_floats() * sizeof(float);
  }

  void run(RunState& state) override {
    kernel_.weights = state.at<int8_t>(buffers_.weights);
    kernel_.units = state.at<float>(buffers_.units);
    kernel_.bias = state.at<float>(buffers_.bias);
    const size_t in_image = kernel_.positions * kernel_.in_channels;
    const size_t out_image = kernel_.positions * kernel_.channels;
    for (size_t n = 0; n < images_; ++n)
      kernels::gated_projection(
          kernel_, state.at<kernels::Bf16>(buffers_.map) + n * in_image,
          state.at<float>(buffers_.gate) + n * kernel_.in_channels,
          buffers_.residual ? state.at<uint8_t>(*buffers_.residual) + n * out_image : nullptr,
          state.at<uint8_t>(buffers_.to) + n * out_image, static_cast<float*>(state.scratchpad));
  }

 private:
  kernels::GatedProjection kernel_;
  size_t images_;
  Buffers buffers_;
};

// The gate that made what the buffer holds, where that is the last step and only this node reads
// the buffer; null otherwise.
const GateStep* gate_before(PlanBuilder& builder, BufferId buffer) {
  if (builder.steps.empty() || !builder.may_overwrite(buffer)) return nullptr;
  const auto* const gate = dynamic_cast<const GateStep*>(builder.steps.back().get());
  const bool fits = gate != nullptr && gate->is_plain() && gate->places().result.buffer == buffer &&
                    is_bf16(gate->places().map.layout) &&
                    is_channels_last(gate->places().map.layout);
  return fits ? gate : nullptr;
}

// What is added before the quantisation: a map of bytes without a sign, or nothing at all.
std::optional<const Placement*> byte_residual(PlanBuilder& builder, const GraphNode& node,
                                              const Shape& out) {
  const auto name = residual_of(builder, node, out);
  if (!name || node.post_ops.size() != (*name == nullptr ? 1 : 2)) return std::nullopt;
  if (*name == nullptr) return nullptr;
  const Placement* const place = builder.in_8_bits(**name);
  const bool fits =
      place != nullptr && place->grid.type == DType::kU8 && is_channels_last(place->layout);
  return fits ? std::optional(place) : std::nullopt;
}

}  // namespace

bool lower_gated_projection(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (!kernels::has_expand_depthwise() || !builder.multiplies_bf16_in_vectors() ||
      !is_int8_conv(builder, node) || node.post_ops.empty() ||
      node.post_ops.back().kind != PostOp::Kind::kQuantize || out.size() != 4)
    return false;
  const Grid& grid = node.post_ops.back().grid;
  const Placement source = *builder.in_8_bits(node.inputs[0]);
  const GateStep* const gate = gate_before(builder, source.buffer);
  const auto problem = conv_problem(builder, node, builder.value(node.inputs[0]).shape, out);
  const auto residual = byte_residual(builder, node, out);
  if (gate == nullptr || !problem || !residual || problem->groups != 1 ||
      !is_pointwise(problem->window) || problem->in[1] % 4 != 0 || grid.type != DType::kU8)
    return false;
  kernels::GatedProjection kernel;
  kernel.positions = static_cast<size_t>(out[2] * out[3]);
  kernel.in_channels = static_cast<size_t>(problem->in[1]);
  kernel.channels = static_cast<size_t>(out[1]);
  kernel.in_grid = {.scale = source.grid.scale, .zero = source.grid.zero};
  ByteWeights weights = byte_weights(builder, node, *problem, source.grid);
  auto shift = static_cast<float>(grid.zero);
  if (*residual != nullptr) {
    kernel.residual_scale = (*residual)->grid.scale / grid.scale;
    shift -= static_cast<float>((*residual)->grid.zero) * kernel.residual_scale;
  }
  for (size_t c = 0; c < kernel.channels; ++c) {
    weights.units[c] /= grid.scale;
    weights.shifts[c] = weights.shifts[c] / grid.scale + shift;
  }
  GatedProjectionStep::Buffers buffers;
  buffers.map = gate->places().map.buffer;
  buffers.gate = gate->places().gate;
  const Layout target = channels_last_layout(out, DataType::u8);
  if (*residual != nullptr) buffers.residual = (*residual)->buffer;
  buffers.to = buffers.residual && builder.may_overwrite(*buffers.residual)
                   ? *buffers.residual
                   : builder.new_buffer(target.get_size());
  buffers.weights = weights.packed;
  buffers.units = packed_numbers(builder, weights.units);
  buffers.bias = packed_numbers(builder, weights.shifts);
  builder.steps.pop_back();
  auto step = std::make_unique<GatedProjectionStep>(kernel, static_cast<size_t>(out[0]), buffers);
  step->detail = problem->text();
  step->flops = problem->flops();
  step->weight_bytes = problem->weights->count();
  builder.add_step(std::move(step));
  builder.define(node.outputs[0], grid.type, out, {target, buffers.to});
  return true;
}

}  // namespace cairn::engine
