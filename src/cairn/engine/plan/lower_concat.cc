// Concat of channels in blocks.
#include <algorithm>
#include <cstring>

#include "cairn/engine/plan/scaled.h"

namespace cairn::engine {
namespace {

class ConcatStep : public Step {
 public:
  struct Part {
    BufferId buffer = 0;
    size_t bytes = 0;  // of one image, or of one position where channels come last
  };

  ConcatStep(std::vector<Part> parts, BufferId target, size_t rounds)
      : parts_(std::move(parts)), target_(target), rounds_(rounds) {
    label = "Concat";
    for (const Part& part : parts_) reads.push_back(part.buffer);
    writes = {target};
  }

  void run(RunState& state) override {
    char* to = state.at<char>(target_);
    for (size_t n = 0; n < rounds_; ++n) {
      for (const Part& part : parts_) {
        std::memcpy(to, state.at<char>(part.buffer) + n * part.bytes, part.bytes);
        to += part.bytes;
      }
    }
  }

 private:
  std::vector<Part> parts_;
  BufferId target_;
  size_t rounds_;  // images, or their positions
};

bool scales(PlanBuilder& builder, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return builder.value(name).scaling.has_value();
  });
}

// What is yet to be scaled is so on the way; the target's buffer is a new one.
void add_scaled(PlanBuilder& builder, const std::vector<std::string>& names, DataType type,
                const Shape& out, Placement& target) {
  std::vector<ScaledPart> parts;
  for (const std::string& name : names) {
    const PlanValue& value = builder.value(name);
    const Layout layout = builder.map_layout(value.shape, type);
    ScaledPart part{.channels = static_cast<size_t>(value.shape[1])};
    if (value.scaling && same_bytes(value.placements[0].layout, layout)) {
      part.from = value.placements[0].buffer;
      part.scaling = value.scaling;
    } else {
      part.from = builder.in_layout(name, layout);
    }
    parts.push_back(part);
  }
  target.buffer = builder.new_buffer(target.layout.get_size());
  add_scaling(builder, parts, type, out, target);
}

}  // namespace

bool lower_concat(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.op_type != "Concat" || out.size() != 4) return false;
  const int64_t axis = node.get_int("axis", 1);
  if (axis != 1 && axis != -3) return false;
  const int block = channel_block(blocked_layout(out));
  bool blocked = false;
  bool whole = true;                              // blocks only
  DataType type = DataType::f32;                  // bfloat16 where one of them is
  const bool quantises = !node.post_ops.empty();  // they are no other
  const std::vector<std::string> inputs = quantises ? base_inputs(node) : node.inputs;
  for (const std::string& input : inputs) {
    if (input.empty() || !builder.is_planned_f32(input)) return false;
    const Layout& layout = builder.layout_of(input);
    whole = whole && builder.value(input).shape[1] % block == 0;
    blocked = blocked || is_channels_last(layout) || channel_block(layout) == block;
    if (is_bf16(layout)) type = DataType::bf16;
  }
  if (quantises && node.post_ops[0].grid.type != DType::kU8) return false;
  const Layout layout = builder.map_layout(out, type);
  const bool last = is_channels_last(layout);
  if (!blocked || (!last && !whole)) return false;
  if (last && (quantises || scales(builder, inputs))) {
    Placement target{layout};
    if (quantises) target = {with_type(layout, DataType::u8), 0, node.post_ops[0].grid};
    add_scaled(builder, inputs, type, out, target);
    builder.define(node.outputs[0], quantises ? DType::kU8 : DType::kF32, out, target);
    return true;
  }
  if (quantises) return false;
  const auto rounds = static_cast<size_t>(last ? out[0] * out[2] * out[3] : out[0]);
  std::vector<ConcatStep::Part> parts;
  for (const std::string& input : inputs) {
    const Layout part = builder.map_layout(builder.value(input).shape, type);
    parts.push_back({builder.in_layout(input, part), part.get_size() / rounds});
  }
  const BufferId target = builder.new_buffer(layout.get_size());
  builder.add_step(std::make_unique<ConcatStep>(parts, target, rounds));
  builder.define(node.outputs[0], DType::kF32, out, {layout, target});
  return true;
}

}  // namespace cairn::engine
