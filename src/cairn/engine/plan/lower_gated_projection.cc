// A 1×1 convolution of bfloat16 or 8 bits after the gate of squeeze-and-excitation, which it takes
// in. In bfloat16 the gated map is yet to be computed; in 8 bits the step of the gate is the last
// one made, and goes.
#include "cairn/engine/kernels/avx512_bf16.h"
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
    std::optional<BufferId> units{};  // in 8 bits
    BufferId bias = 0;
  };

  GatedProjectionStep(const kernels::GatedProjection& kernel, size_t images, const Buffers& buffers)
      : kernel_(kernel), images_(images), buffers_(buffers) {
    label = buffers.units ? "gate+Conv int8" : "gate+Conv";
    int8 = buffers.units.has_value();
    reads = {buffers.map, buffers.gate};
    if (buffers.residual) reads.push_back(*buffers.residual);
    writes = {buffers.to};
    scratchpad_bytes = kernel.scratch_floats() * sizeof(float);
  }

  void run(RunState& state) override {
    kernel_.bias = state.at<float>(buffers_.bias);
    if (buffers_.units) {
      kernel_.weights_s8 = state.at<int8_t>(buffers_.weights);
      kernel_.units = state.at<float>(*buffers_.units);
      run_on<uint8_t>(state);
    } else {
      kernel_.weights = state.at<kernels::Bf16>(buffers_.weights);
      run_on<kernels::Bf16>(state);
    }
  }

 private:
  template <typename Number>
  void run_on(RunState& state) const {
    const size_t in_image = kernel_.positions * kernel_.in_channels;
    const size_t out_image = kernel_.positions * kernel_.channels;
    for (size_t n = 0; n < images_; ++n)
      kernels::gated_projection(
          kernel_, state.at<kernels::Bf16>(buffers_.map) + n * in_image,
          state.at<float>(buffers_.gate) + n * kernel_.in_channels,
          buffers_.residual ? state.at<Number>(*buffers_.residual) + n * out_image : nullptr,
          state.at<Number>(buffers_.to) + n * out_image, static_cast<float*>(state.scratchpad));
  }

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

// The convolution as the kernels want it.
struct Problem {
  const GraphNode& node;
  ConvProblem conv;
  const std::string* residual;  // the name of what is added; null where nothing is
  const Grid* grid;             // of the result; null where it is not quantised
};

std::optional<Problem> pointwise_problem(PlanBuilder& builder, const GraphNode& node,
                                         const Shape& out) {
  if (!kernels::has_avx512_bf16() || !builder.multiplies_bf16_in_vectors() ||
      node.op_type != "Conv" || out.size() != 4 || !builder.is_planned_f32(node.inputs[0]))
    return std::nullopt;
  const auto conv = conv_problem(builder, node, builder.value(node.inputs[0]).shape, out);
  const auto residual = residual_of(builder, node, out);
  if (!conv || !residual || conv->groups != 1 || !is_pointwise(conv->window)) return std::nullopt;
  const Grid* const grid = node.final_grid();
  if (node.post_ops.size() != (*residual != nullptr ? 1U : 0U) + (grid != nullptr ? 1U : 0U))
    return std::nullopt;
  return Problem{node, *conv, *residual, grid};
}

kernels::GatedProjection kernel_of(const ConvProblem& conv) {
  kernels::GatedProjection kernel;
  kernel.positions = static_cast<size_t>(conv.out[2] * conv.out[3]);
  kernel.in_channels = static_cast<size_t>(conv.in[1]);
  kernel.channels = static_cast<size_t>(conv.out[1]);
  return kernel;
}

// buffers: all but `to`.
void add_projection(PlanBuilder& builder, const Problem& problem,
                    const kernels::GatedProjection& kernel, GatedProjectionStep::Buffers buffers,
                    const Layout& target, DType type) {
  buffers.to = buffers.residual && builder.may_overwrite(*buffers.residual)
                   ? *buffers.residual
                   : builder.new_buffer(target.get_size());
  const ConvProblem& conv = problem.conv;
  auto step =
      std::make_unique<GatedProjectionStep>(kernel, static_cast<size_t>(conv.out[0]), buffers);
  step->detail = conv.text();
  step->flops = conv.flops();
  step->weight_bytes = conv.weights->count() * (buffers.units ? 1 : sizeof(kernels::Bf16));
  builder.add_step(std::move(step));
  builder.define(problem.node.outputs[0], type, conv.out, {target, buffers.to});
}

bool lower_bytes(PlanBuilder& builder, const Problem& problem) {
  const GraphNode& node = problem.node;
  const ConvProblem& conv = problem.conv;
  if (problem.grid == nullptr || !is_int8_conv(builder, node) || conv.in[1] % 4 != 0) return false;
  const Grid& grid = *problem.grid;
  const Placement source = *builder.in_8_bits(node.inputs[0]);
  const GateStep* const gate = gate_before(builder, source.buffer);
  const Placement* const residual =
      problem.residual != nullptr ? builder.in_8_bits(*problem.residual) : nullptr;
  if (gate == nullptr || grid.type != DType::kU8 ||
      (residual == nullptr) != (problem.residual == nullptr) ||
      (residual != nullptr &&
       (residual->grid.type != DType::kU8 || !is_channels_last(residual->layout))))
    return false;
  kernels::GatedProjection kernel = kernel_of(conv);
  kernel.in_grid = {.scale = source.grid.scale, .zero = source.grid.zero};
  ByteWeights weights = byte_weights(builder, node, conv, source.grid);
  auto shift = static_cast<float>(grid.zero);
  GatedProjectionStep::Buffers buffers;
  buffers.map = gate->places().map.buffer;
  buffers.gate = gate->places().gate;
  builder.steps.pop_back();
  if (residual != nullptr) {
    buffers.residual = residual->buffer;
    kernel.residual_scale = residual->grid.scale / grid.scale;
    shift -= static_cast<float>(residual->grid.zero) * kernel.residual_scale;
  }
  for (size_t c = 0; c < kernel.channels; ++c) {
    weights.units[c] /= grid.scale;
    weights.shifts[c] = weights.shifts[c] / grid.scale + shift;
  }
  buffers.weights = weights.packed;
  buffers.units = packed_numbers(builder, weights.units);
  buffers.bias = packed_numbers(builder, weights.shifts);
  add_projection(builder, problem, kernel, buffers, channels_last_layout(conv.out, DataType::u8),
                 grid.type);
  return true;
}

bool lower_halves(PlanBuilder& builder, const Problem& problem) {
  const ConvProblem& conv = problem.conv;
  const PlanValue& input = builder.value(problem.node.inputs[0]);
  if (problem.grid != nullptr || conv.in[1] % 2 != 0 || !input.scaling || input.scaling->shift ||
      input.scaling->other || input.scaling->rectified || input.uses > 0 ||
      !is_bf16(input.placements[0].layout) || !is_channels_last(input.placements[0].layout) ||
      builder.map_type_of(problem.node.outputs[0], conv.out) != DataType::bf16)
    return false;
  const kernels::GatedProjection kernel = kernel_of(conv);
  const Layout target = channels_last_layout(conv.out, DataType::bf16);
  GatedProjectionStep::Buffers buffers;
  buffers.map = input.placements[0].buffer;
  buffers.gate = input.scaling->scale;
  if (problem.residual != nullptr) buffers.residual = builder.in_layout(*problem.residual, target);
  buffers.weights =
      builder.constant_buffer(builder.weights().made(problem.node.inputs[1], "pairs", [&] {
        return copy_of(
            kernels::pack_pairs(conv.weights->data<float>(), kernel.channels, kernel.in_channels));
      }));
  const float* const bias = conv.bias != nullptr ? conv.bias->data<float>() : nullptr;
  buffers.bias = builder.constant_buffer(copy_of(kernels::pack_bias(bias, kernel.channels)));
  add_projection(builder, problem, kernel, buffers, target, DType::kF32);
  return true;
}

}  // namespace

bool lower_gated_projection(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  const auto problem = pointwise_problem(builder, node, out);
  return problem && (lower_bytes(builder, *problem) || lower_halves(builder, *problem));
}

}  // namespace cairn::engine
