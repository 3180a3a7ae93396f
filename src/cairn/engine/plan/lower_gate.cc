// The gate of squeeze-and-excitation (Hu et al., "Squeeze-and-Excitation Networks", 2018) with the
// residual addition, the rectification and the quantisation after it: one pass over the map.
#include <algorithm>
#include <limits>

#include "cairn/engine/kernels/gate.h"
#include "cairn/engine/plan/gate_step.h"

namespace cairn::engine {
namespace {

struct GateProblem {
  std::string map;
  std::string gate;
  const std::string* residual = nullptr;
  bool rectified = false;
  std::optional<Grid> grid{};  // of the result
};

kernels::Format format_of(const Layout& layout) {
  if (is_8bit(layout)) return kernels::Format::kU8;
  return is_bf16(layout) ? kernels::Format::kBf16 : kernels::Format::kF32;
}

bool is_gate(PlanBuilder& builder, const std::string& name, const Shape& map) {
  Shape gate(map.size(), 1);
  std::copy_n(map.begin(), 2, gate.begin());
  return builder.is_planned_f32(name) && builder.value(name).shape == gate && gate != map;
}

std::optional<GateProblem> gate_problem(PlanBuilder& builder, const GraphNode& node,
                                        const Shape& out) {
  if (node.op_type != "Mul" || node.post_ops.empty() || node.inputs.size() < 2 || out.size() < 3 ||
      out.size() > 5)
    return std::nullopt;
  GateProblem problem;
  for (const size_t data : {0, 1}) {
    const std::string& map = node.inputs[data];
    if (!builder.is_planned_f32(map) || builder.value(map).shape != out ||
        !is_gate(builder, node.inputs[1 - data], out))
      continue;
    problem.map = map;
    problem.gate = node.inputs[1 - data];
  }
  if (problem.map.empty()) return std::nullopt;
  for (const PostOp& post_op : node.post_ops) {
    const std::string& operand = node.inputs[post_op.operand];
    switch (post_op.kind) {
      case PostOp::Kind::kAdd:
        if (problem.residual != nullptr || problem.rectified || !builder.is_planned_f32(operand) ||
            builder.value(operand).shape != out)
          return std::nullopt;
        problem.residual = &operand;
        break;
      case PostOp::Kind::kActivation:
        if (post_op.activation != Activation::kRelu || post_op.alpha != 0) return std::nullopt;
        problem.rectified = true;
        break;
      case PostOp::Kind::kQuantize:
        problem.grid = post_op.grid;
        break;
      case PostOp::Kind::kPRelu:
        return std::nullopt;
    }
  }
  return problem;
}

// Where the value lies in bytes without a sign, else as numbers.
Placement place_of(PlanBuilder& builder, const std::string& name) {
  const Placement* const eight = builder.in_8_bits(name);
  return eight != nullptr && eight->grid.type == DType::kU8 ? *eight : builder.computed(name);
}

// Nothing where the map is row-major.
std::optional<GateStep::Places> places_of(PlanBuilder& builder, const GateProblem& problem) {
  GateStep::Places places{.map = place_of(builder, problem.map), .result = {}};
  const Layout& layout = places.map.layout;
  if (channel_block(layout) <= 1) return std::nullopt;
  const DataType numbers = is_8bit(layout) ? builder.map_type(layout.dims()) : layout.data_type();
  if (problem.residual != nullptr) {
    places.residual = place_of(builder, *problem.residual);
    if (!same_bytes(places.residual->layout, with_type(layout, DataType::u8))) {
      const Layout same_places = with_type(layout, numbers);
      places.residual = Placement{same_places, builder.in_layout(*problem.residual, same_places)};
    }
  }
  if (problem.grid)
    places.result = {with_type(layout, DataType::u8), 0, *problem.grid};
  else
    places.result = {with_type(layout, numbers), 0};
  return places;
}

}  // namespace

GateStep::GateStep(Places places, const Shape& shape, bool rectified)
    : places_(std::move(places)),
      block_(static_cast<size_t>(channel_block(places_.map.layout))),
      rectified_(rectified) {
  label = "gate";
  images_ = static_cast<size_t>(shape[0]);
  channels_ = static_cast<size_t>(shape[1]);
  for (size_t i = 2; i < shape.size(); ++i) positions_ *= static_cast<size_t>(shape[i]);
  reads = {places_.map.buffer, places_.gate};
  if (places_.residual) reads.push_back(places_.residual->buffer);
  writes = {places_.result.buffer};
}

void GateStep::run(RunState& state) {
  // In steps of the result: of float maps all grids are steps of 1 from 0.
  const Grid from = places_.map.grid;
  const Grid to = places_.result.grid;
  const Grid other = places_.residual ? places_.residual->grid : Grid();
  char* x = state.at<char>(places_.map.buffer);
  char* residual = places_.residual ? state.at<char>(places_.residual->buffer) : nullptr;
  char* y = state.at<char>(places_.result.buffer);
  kernels::Gate gate;
  gate.x.format = format_of(places_.map.layout);
  gate.other.format = format_of(places_.residual ? places_.residual->layout : places_.map.layout);
  gate.y.format = format_of(places_.result.layout);
  gate.other_scale = other.scale / to.scale;
  gate.least = rectified_ ? static_cast<float>(to.zero) : std::numeric_limits<float>::lowest();
  const float shift = static_cast<float>(to.zero) -
                      static_cast<float>(other.zero) * (residual ? gate.other_scale : 0);
  const float* gates = state.at<float>(places_.gate);
  for (size_t n = 0; n < images_; ++n, gates += channels_) {
    for (size_t c = 0; c < channels_; c += block_) {
      // Padded channels hold zeros and stay zero.
      scale_.assign(block_, 0);
      shift_.assign(block_, 0);
      for (size_t k = 0; k < std::min(block_, channels_ - c); ++k) {
        scale_[k] = gates[c + k] * from.scale / to.scale;
        shift_[k] = shift - static_cast<float>(from.zero) * scale_[k];
      }
      gate.x.data = x;
      gate.other.data = residual;
      gate.y.data = y;
      gate.scale = scale_.data();
      gate.shift = shift_.data();
      kernels::gate(gate, positions_, block_);
      const size_t done = positions_ * block_;
      x += done * size_of(gate.x.format);
      y += done * size_of(gate.y.format);
      if (residual != nullptr) residual += done * size_of(gate.other.format);
    }
  }
}

bool lower_gate(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  const std::optional<GateProblem> problem = gate_problem(builder, node, out);
  if (!problem) return false;
  // Padding would not be zero on a grid.
  if (problem->grid && (problem->grid->type != DType::kU8 ||
                        !is_channels_last(place_of(builder, problem->map).layout)))
    return false;
  auto places = places_of(builder, *problem);
  if (!places) return false;
  places->gate = builder.plain(problem->gate);
  BufferId& result = places->result.buffer;
  const DataType type = places->result.layout.data_type();
  const auto may_become = [&](const Placement& place) {
    return place.layout.data_type() == type && builder.may_overwrite(place.buffer);
  };
  if (may_become(places->map))
    result = places->map.buffer;
  else if (places->residual && may_become(*places->residual))
    result = places->residual->buffer;
  else
    result = builder.new_buffer(places->result.layout.get_size());
  const Placement made = places->result;
  builder.add_step(std::make_unique<GateStep>(std::move(*places), out, problem->rectified));
  builder.define(node.outputs[0], problem->grid ? problem->grid->type : DType::kF32, out, made);
  return true;
}

}  // namespace cairn::engine
