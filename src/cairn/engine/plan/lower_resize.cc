// Enlarging by whole factors with the nearest pixel, in blocked layouts.
#include <cstring>

#include "cairn/engine/plan/builder.h"

namespace cairn::engine {
namespace {

class EnlargeStep : public Step {
 public:
  // block_bytes: of one position of one block of channels.
  EnlargeStep(const Shape& in, const Shape& out, size_t block, size_t block_bytes, BufferId from,
              BufferId to)
      : block_(block_bytes), from_(from), to_(to) {
    label = "Resize";
    planes_ = static_cast<size_t>((in[0] * in[1] + static_cast<int64_t>(block) - 1)) / block;
    height_ = static_cast<size_t>(in[2]);
    width_ = static_cast<size_t>(in[3]);
    down_ = static_cast<size_t>(out[2] / in[2]);
    right_ = static_cast<size_t>(out[3] / in[3]);
    reads = {from};
    writes = {to};
  }

  void run(RunState& state) override {
    const char* from = state.at<char>(from_);
    char* to = state.at<char>(to_);
    const size_t row = width_ * right_ * block_;
    for (size_t y = 0; y < planes_ * height_; ++y, from += width_ * block_) {
      char* first = to;
      for (size_t x = 0; x < width_; ++x)
        for (size_t k = 0; k < right_; ++k, to += block_)
          std::memcpy(to, from + x * block_, block_);
      for (size_t k = 1; k < down_; ++k, to += row) std::memcpy(to, first, row);
    }
  }

 private:
  size_t block_;  // bytes
  BufferId from_;
  BufferId to_;
  size_t planes_ = 0;  // images × blocks of channels
  size_t height_ = 0;
  size_t width_ = 0;
  size_t down_ = 1;
  size_t right_ = 1;
};

// Whether every output pixel o of a k-fold enlargement is input pixel o / k, rounded down.
bool is_floor_of_quotient(const GraphNode& node) {
  if (node.get_string("mode", "nearest") != "nearest") return false;
  if (node.op_type == "Upsample") return true;
  const std::string rounding = node.get_string("nearest_mode", "round_prefer_floor");
  const std::string transform = node.get_string("coordinate_transformation_mode", "half_pixel");
  if (transform == "asymmetric") return rounding == "floor";
  return transform == "half_pixel" && rounding == "round_prefer_floor";
}

}  // namespace

bool lower_resize(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if ((node.op_type != "Resize" && node.op_type != "Upsample") || out.size() != 4 ||
      !builder.is_planned_f32(node.inputs[0]))
    return false;
  if (node.op_type == "Resize" && builder.graph().opset < 11) return false;
  const Shape in = builder.value(node.inputs[0]).shape;
  const Layout layout = builder.layout_of(node.inputs[0]);
  const int block = channel_block(layout);
  if (in.size() != 4 || in[0] != out[0] || in[1] != out[1] || out[2] % in[2] != 0 ||
      out[3] % in[3] != 0 || block < 8 || in[1] % block != 0 || !is_floor_of_quotient(node))
    return false;
  // The factor must be that of the shapes: scales such as 2.5 of 1 pixel also give 2.
  for (const std::string& input : node.inputs) {
    if (input.empty() || !builder.is_constant(input)) continue;
    const Tensor& scales = builder.value(input).constant;
    if (scales.dtype() != DType::kF32 || scales.count() != 4) continue;
    for (size_t i = 0; i < 4; ++i)
      if (scales.data<float>()[i] * static_cast<float>(in[i]) != static_cast<float>(out[i]))
        return false;
  }
  const auto tag =
      block == 16 ? dnnl::memory::format_tag::nChw16c : dnnl::memory::format_tag::nChw8c;
  const Layout target = is_channels_last(layout) ? channels_last_layout(out, layout.data_type())
                                                 : Layout(out, layout.data_type(), tag);
  const BufferId from = builder.computed(node.inputs[0]).buffer;
  const BufferId to = builder.new_buffer(target.get_size());
  builder.add_step(std::make_unique<EnlargeStep>(
      in, out, static_cast<size_t>(block),
      static_cast<size_t>(block) * dnnl::memory::data_type_size(layout.data_type()), from, to));
  builder.define(node.outputs[0], DType::kF32, out, {target, to});
  return true;
}

}  // namespace cairn::engine
