// InstanceNormalization in the layout of its input.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cairn/engine/kernels/channels.h"
#include "cairn/engine/plan/builder.h"

namespace cairn::engine {
namespace {

class InstanceNormStep : public Step {
 public:
  struct Numbers {
    Tensor scale;  // C
    Tensor shift;  // C
    double epsilon = 1e-5;
  };

  InstanceNormStep(Numbers numbers, const Shape& shape, const Layout& layout, BufferId from,
                   BufferId to)
      : numbers_(std::move(numbers)),
        block_(static_cast<size_t>(channel_block(layout))),
        bf16_(is_bf16(layout)),
        from_(from),
        to_(to) {
    label = "InstanceNormalization";
    images_ = static_cast<size_t>(shape[0]);
    channels_ = static_cast<size_t>(shape[1]);
    for (size_t i = 2; i < shape.size(); ++i) positions_ *= static_cast<size_t>(shape[i]);
    reads = {from};
    writes = {to};
  }

  void run(RunState& state) override {
    if (bf16_)
      run_on(state.at<kernels::Bf16>(from_), state.at<kernels::Bf16>(to_));
    else
      run_on(state.at<float>(from_), state.at<float>(to_));
  }

 private:
  template <typename T>
  void run_on(const T* x, T* y) {
    for (size_t n = 0; n < images_; ++n) {
      for (size_t c = 0; c < channels_;
           c += block_, x += positions_ * block_, y += positions_ * block_)
        normalise(x, y, c);
    }
  }

  // One block of channels. Padded ones hold zeros and stay zero.
  template <typename T>
  void normalise(const T* x, T* y, size_t channel) {
    const auto count = static_cast<double>(positions_);
    for (std::vector<float>* numbers : {&centre_, &scale_, &shift_}) numbers->assign(block_, 0);
    add_up(x);
    for (size_t i = 0; i < block_; ++i) centre_[i] = static_cast<float>(sum_[i] / count);
    add_up(x);
    for (size_t i = 0; i < std::min(block_, channels_ - channel); ++i) {
      const double offset = sum_[i] / count;  // of the mean from its rounded value
      const double variance = std::max(0.0, squares_[i] / count - offset * offset);
      const double factor =
          numbers_.scale.data<float>()[channel + i] / std::sqrt(variance + numbers_.epsilon);
      scale_[i] = static_cast<float>(factor);
      shift_[i] = static_cast<float>(numbers_.shift.data<float>()[channel + i] -
                                     (centre_[i] + offset) * factor);
    }
    kernels::scale_shift(x, y, scale_.data(), shift_.data(), positions_, block_);
  }

  template <typename T>
  void add_up(const T* x) {
    sum_.assign(block_, 0);
    squares_.assign(block_, 0);
    kernels::add_deviations(x, centre_.data(), sum_.data(), squares_.data(), positions_, block_);
  }

  Numbers numbers_;
  size_t images_ = 0;
  size_t channels_ = 0;
  size_t positions_ = 1;
  size_t block_ = 1;
  bool bf16_ = false;
  BufferId from_;
  BufferId to_;
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
  const BufferId to = builder.may_overwrite(from) ? from : builder.new_buffer(layout.get_size());
  builder.add_step(std::make_unique<InstanceNormStep>(
      InstanceNormStep::Numbers{*scale, *shift, node.get_float("epsilon", 1e-5F)}, out, layout,
      from, to));
  builder.define(node.outputs[0], DType::kF32, out, {layout, to});
  return true;
}

}  // namespace cairn::engine
