// InstanceNormalization in the layout of its input. Where the channels come last, a step makes the
// scales and shifts alone: whoever reads the map first applies them.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cairn/engine/kernels/channels.h"
#include "cairn/engine/plan/builder.h"

namespace cairn::engine {
namespace {

constexpr size_t kSamples = 8;       // runs of positions whose mean is near that of all
constexpr size_t kSampleLength = 4;  // positions

class InstanceNormStep : public Step {
 public:
  struct Numbers {
    Tensor scale;  // C
    Tensor shift;  // C
    double epsilon = 1e-5;
  };

  InstanceNormStep(Numbers numbers, const Shape& shape, const Layout& layout, BufferId from)
      : numbers_(std::move(numbers)),
        block_(static_cast<size_t>(channel_block(layout))),
        bf16_(is_bf16(layout)),
        from_(from) {
    label = "InstanceNormalization";
    images_ = static_cast<size_t>(shape[0]);
    channels_ = static_cast<size_t>(shape[1]);
    for (size_t i = 2; i < shape.size(); ++i) positions_ *= static_cast<size_t>(shape[i]);
    reads = {from};
  }

  // What the step writes: the map, or the scales and shifts of each image and channel.
  void write_map(BufferId to) {
    to_ = to;
    writes = {to};
  }
  void write_scaling(const PlanValue::Scaling& scaling) {
    scaling_ = scaling;
    writes = {scaling.scale, *scaling.shift};
  }

  void run(RunState& state) override {
    if (bf16_)
      run_on<kernels::Bf16>(state);
    else
      run_on<float>(state);
  }

 private:
  template <typename T>
  void run_on(const RunState& state) {
    const T* x = state.at<T>(from_);
    size_t at = 0;
    for (size_t n = 0; n < images_; ++n) {
      for (size_t c = 0; c < channels_; c += block_, at += positions_ * block_) {
        find_scaling(x + at, c);
        if (to_) {
          kernels::scale_shift(x + at, state.at<T>(*to_) + at, scale_.data(), shift_.data(),
                               positions_, block_);
        } else {
          std::copy(scale_.begin(), scale_.end(), state.at<float>(scaling_.scale) + n * channels_);
          std::copy(shift_.begin(), shift_.end(), state.at<float>(*scaling_.shift) + n * channels_);
        }
      }
    }
  }

  // Of one block of channels. Padded ones hold zeros and stay zero.
  template <typename T>
  void find_scaling(const T* x, size_t channel) {
    for (std::vector<float>* numbers : {&centre_, &scale_, &shift_}) numbers->assign(block_, 0);
    size_t sampled = positions_;
    clear_sums();
    if (positions_ > 4 * kSamples * kSampleLength) {
      sampled = kSamples * kSampleLength;
      for (size_t i = 0; i < kSamples; ++i)
        add_up(x + i * (positions_ / kSamples) * block_, kSampleLength);
    } else {
      add_up(x, positions_);
    }
    move_centre(sampled);
    add_up(x, positions_);
    if (sampled < positions_ && !centre_suffices()) {
      move_centre(positions_);
      add_up(x, positions_);
    }
    const auto count = static_cast<double>(positions_);
    for (size_t i = 0; i < std::min(block_, channels_ - channel); ++i) {
      const double offset = sum_[i] / count;  // of the mean from the centre
      const double variance = std::max(0.0, squares_[i] / count - offset * offset);
      const double factor =
          numbers_.scale.data<float>()[channel + i] / std::sqrt(variance + numbers_.epsilon);
      scale_[i] = static_cast<float>(factor);
      shift_[i] = static_cast<float>(numbers_.shift.data<float>()[channel + i] -
                                     (centre_[i] + offset) * factor);
    }
  }

  // Whether the mean is so near that its square does not hide the variance.
  bool centre_suffices() const {
    const auto count = static_cast<double>(positions_);
    for (size_t i = 0; i < block_; ++i) {
      const double offset = sum_[i] / count;
      const double variance = squares_[i] / count - offset * offset;
      if (offset * offset > 4 * (variance + numbers_.epsilon)) return false;
    }
    return true;
  }

  // To the mean of what was added up.
  void move_centre(size_t count) {
    for (size_t i = 0; i < block_; ++i)
      centre_[i] = static_cast<float>(centre_[i] + sum_[i] / static_cast<double>(count));
    clear_sums();
  }

  void clear_sums() {
    sum_.assign(block_, 0);
    squares_.assign(block_, 0);
  }

  template <typename T>
  void add_up(const T* x, size_t positions) {
    kernels::add_deviations(x, centre_.data(), sum_.data(), squares_.data(), positions, block_);
  }

  Numbers numbers_;
  size_t images_ = 0;
  size_t channels_ = 0;
  size_t positions_ = 1;
  size_t block_ = 1;
  bool bf16_ = false;
  BufferId from_;
  std::optional<BufferId> to_;
  PlanValue::Scaling scaling_;
  // Of the block at hand.
  std::vector<float> centre_;
  std::vector<float> scale_;
  std::vector<float> shift_;
  std::vector<double> sum_;
  std::vector<double> squares_;
};

}  // namespace

bool lower_instance_norm(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.op_type != "InstanceNormalization" || !node.post_ops.empty() || out.size() < 3 ||
      node.inputs[0].empty() || !builder.is_planned_f32(node.inputs[0]))
    return false;
  const Tensor* const scale = builder.constant_f32(node, 1);
  const Tensor* const shift = builder.constant_f32(node, 2);
  if (scale == nullptr || shift == nullptr) return false;
  Layout layout = builder.layout_of(node.inputs[0]);
  if (channel_block(layout) == 0) layout = plain_layout(out, layout.data_type());
  const BufferId from = builder.in_layout(node.inputs[0], layout);
  auto step = std::make_unique<InstanceNormStep>(
      InstanceNormStep::Numbers{*scale, *shift, node.get_float("epsilon", 1e-5F)}, out, layout,
      from);
  if (is_channels_last(layout)) {
    const size_t bytes = static_cast<size_t>(out[0] * out[1]) * sizeof(float);
    const PlanValue::Scaling scaling{.scale = builder.new_buffer(bytes),
                                     .shift = builder.new_buffer(bytes)};
    step->write_scaling(scaling);
    builder.define_scaling(node.outputs[0], out, {layout, from}, scaling);
  } else {
    const BufferId to = builder.may_overwrite(from) ? from : builder.new_buffer(layout.get_size());
    step->write_map(to);
    builder.define(node.outputs[0], DType::kF32, out, {layout, to});
  }
  builder.add_step(std::move(step));
  return true;
}

}  // namespace cairn::engine
