// What scales or shifts whole channels: batch normalisation that could not be folded, PRelu, and
// the gates of squeeze-and-excitation. Works in blocked layouts, so that nothing is reordered
// between convolutions.
#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/engine/kernels/channels.h"
#include "cairn/engine/plan/builder.h"

namespace cairn::engine {
namespace {

struct ChannelMap {
  std::string input;
  std::optional<BufferId> scale{};  // also the slope of a PRelu
  std::optional<BufferId> shift{};
  bool is_prelu = false;
  bool per_image = false;  // N × C numbers, not C
};

class ChannelStep : public Step {
 public:
  ChannelStep(ChannelMap map, const Shape& shape, const Layout& layout, BufferId from, BufferId to)
      : map_(std::move(map)),
        block_(static_cast<size_t>(channel_block(layout))),
        bf16_(is_bf16(layout)),
        from_(from),
        to_(to) {
    label = "channels";
    images_ = static_cast<size_t>(shape[0]);
    channels_ = static_cast<size_t>(shape[1]);
    for (size_t i = 2; i < shape.size(); ++i) positions_ *= static_cast<size_t>(shape[i]);
    reads = {from};
    if (map_.scale) reads.push_back(*map_.scale);
    if (map_.shift) reads.push_back(*map_.shift);
    writes = {to};
  }

  void run(RunState& state) override {
    if (bf16_)
      run_on(state, state.at<kernels::Bf16>(from_), state.at<kernels::Bf16>(to_));
    else
      run_on(state, state.at<float>(from_), state.at<float>(to_));
  }

 private:
  template <typename T>
  void run_on(const RunState& state, const T* x, T* y) {
    for (size_t n = 0; n < images_; ++n) {
      const size_t image = map_.per_image ? n * channels_ : 0;
      for (size_t c = 0; c < channels_;
           c += block_, x += positions_ * block_, y += positions_ * block_) {
        read(state, map_.scale, image, c, 1, scale_);
        read(state, map_.shift, image, c, 0, shift_);
        if (map_.is_prelu)
          kernels::prelu(x, y, scale_.data(), positions_, block_);
        else
          kernels::scale_shift(x, y, scale_.data(), shift_.data(), positions_, block_);
      }
    }
  }

  // The numbers of the block's channels. Padded channels hold zeros and stay zero: their scale is
  // finite and their shift is 0.
  void read(const RunState& state, const std::optional<BufferId>& buffer, size_t image,
            size_t channel, float neutral, std::vector<float>& values) const {
    values.assign(block_, 0);
    const size_t count = std::min(block_, channels_ - channel);
    if (buffer)
      std::copy_n(state.at<float>(*buffer) + image + channel, count, values.begin());
    else
      std::fill_n(values.begin(), count, neutral);
  }

  ChannelMap map_;
  size_t images_ = 0;
  size_t channels_ = 0;
  size_t positions_ = 1;
  size_t block_ = 1;
  bool bf16_ = false;
  BufferId from_;
  BufferId to_;
  std::vector<float> scale_;  // of the block at hand
  std::vector<float> shift_;
};

// Whether a tensor of this shape gives x (N × C × spatial) one number a channel, or one a channel
// and image.
bool is_per_channel(const Shape& shape, const Shape& x, bool& per_image) {
  if (shape.size() > x.size() || shape.size() + 1 < x.size()) return false;
  Shape full(x.size() - shape.size(), 1);
  full.insert(full.end(), shape.begin(), shape.end());
  if (full[1] != x[1] || (full[0] != 1 && full[0] != x[0])) return false;
  per_image = full[0] > 1;
  return std::all_of(full.begin() + 2, full.end(), [](int64_t dim) { return dim == 1; });
}

Shape shape_of(PlanBuilder& builder, const std::string& name) {
  return builder.is_constant(name) ? builder.value(name).constant.shape()
                                   : builder.value(name).shape;
}

BufferId computed(PlanBuilder& builder, const Tensor& tensor, float (*function)(float)) {
  Tensor result(DType::kF32, tensor.shape());
  std::transform(tensor.data<float>(), tensor.data<float>() + tensor.count(), result.data<float>(),
                 function);
  return builder.constant_buffer(result.memory());
}

std::optional<ChannelMap> batch_norm_map(PlanBuilder& builder, const GraphNode& node,
                                         const Shape& out) {
  if (node.get_int("training_mode", 0) != 0) return std::nullopt;
  const Tensor* parts[4];  // scale, bias, mean, variance
  for (size_t i = 0; i < 4; ++i) {
    parts[i] = builder.constant_f32(node, i + 1);
    if (parts[i] == nullptr || static_cast<int64_t>(parts[i]->count()) != out[1])
      return std::nullopt;
  }
  const double epsilon = node.get_float("epsilon", 1e-5f);
  Tensor scale(DType::kF32, {out[1]});
  Tensor shift(DType::kF32, {out[1]});
  for (size_t c = 0; c < scale.count(); ++c) {
    const double s = parts[0]->data<float>()[c] / std::sqrt(parts[3]->data<float>()[c] + epsilon);
    scale.data<float>()[c] = static_cast<float>(s);
    shift.data<float>()[c] =
        static_cast<float>(parts[1]->data<float>()[c] - s * parts[2]->data<float>()[c]);
  }
  return ChannelMap{.input = node.inputs[0],
                    .scale = builder.constant_buffer(scale.memory()),
                    .shift = builder.constant_buffer(shift.memory())};
}

// The map where input `data` is x and the other input gives a number per channel.
std::optional<ChannelMap> map_with(PlanBuilder& builder, const GraphNode& node, size_t data,
                                   const Shape& out) {
  const std::string& op = node.op_type;
  const std::string& other = node.inputs[1 - data];
  const Tensor* constant = builder.constant_f32(node, 1 - data);
  ChannelMap map{.input = node.inputs[data]};
  if (!builder.is_planned_f32(map.input) || builder.value(map.input).shape != out ||
      (constant == nullptr && !builder.is_planned_f32(other)) ||
      !is_per_channel(shape_of(builder, other), out, map.per_image))
    return std::nullopt;
  if (constant == nullptr && op != "Add" && op != "Mul") return std::nullopt;
  if (op == "Sub")
    map.shift = computed(builder, *constant, [](float c) { return -c; });
  else if (op == "Div")
    map.scale = computed(builder, *constant, [](float c) { return 1 / c; });
  else
    (op == "Add" ? map.shift : map.scale) = builder.plain(other);
  map.is_prelu = op == "PRelu";
  return map;
}

std::optional<ChannelMap> map_of(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  static const std::array<std::string, 5> kBinary = {"Add", "Mul", "Sub", "Div", "PRelu"};
  if (node.op_type == "BatchNormalization") return batch_norm_map(builder, node, out);
  if (node.inputs.size() != 2 ||
      std::find(kBinary.begin(), kBinary.end(), node.op_type) == kBinary.end())
    return std::nullopt;
  for (const std::string& input : node.inputs)
    if (input.empty()) return std::nullopt;
  if (auto map = map_with(builder, node, 0, out)) return map;
  if (node.op_type == "Add" || node.op_type == "Mul") return map_with(builder, node, 1, out);
  return std::nullopt;
}

}  // namespace

bool lower_channels(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (!node.post_ops.empty() || out.size() < 2 || node.inputs.empty() || node.inputs[0].empty())
    return false;
  if (node.op_type == "BatchNormalization" && !builder.is_planned_f32(node.inputs[0])) return false;
  const std::optional<ChannelMap> map = map_of(builder, node, out);
  if (!map) return false;
  Layout layout = builder.layout_of(map->input);
  if (node.op_type == "Mul" && (map->per_image || out[0] == 1) && out.size() == 4 &&
      is_channels_last(layout) &&
      (builder.is_added(node.outputs[0]) ||
       (is_bf16(layout) && builder.is_projected(node.outputs[0])))) {
    const BufferId from = builder.in_layout(map->input, layout);
    builder.define_scaling(node.outputs[0], out, {layout, from}, {.scale = *map->scale});
    return true;
  }
  if (channel_block(layout) == 0) layout = plain_layout(out, layout.data_type());
  const BufferId from = builder.in_layout(map->input, layout);
  const BufferId to = builder.may_overwrite(from) ? from : builder.new_buffer(layout.get_size());
  builder.add_step(std::make_unique<ChannelStep>(*map, out, layout, from, to));
  builder.define(node.outputs[0], DType::kF32, out, {layout, to});
  return true;
}

}  // namespace cairn::engine
