// 3×3 convolutions in groups of a few channels by our own kernel, of maps in bfloat16 or in 8 bits.
#include <algorithm>
#include <cmath>

#include "cairn/engine/kernels/avx512_bf16.h"
#include "cairn/engine/kernels/grouped.h"
#include "cairn/engine/plan/byte_weights.h"

namespace cairn::engine {
namespace {

using kernels::Bf16;

class GroupedStep : public Step {
 public:
  struct Buffers {
    BufferId from = 0;
    BufferId to = 0;
    BufferId weights = 0;
    std::optional<BufferId> scale{};
    std::optional<BufferId> bias{};
    bool from_8_bits = false;
    bool to_8_bits = false;
  };

  GroupedStep(const kernels::Grouped& kernel, size_t images, const Buffers& buffers)
      : kernel_(kernel), images_(images), buffers_(buffers) {
    label = "Conv (groups)";
    reads = {buffers.from};
    writes = {buffers.to};
    scratchpad_bytes = kernel.scratch_bytes();
  }

  void run(RunState& state) override {
    kernel_.weights = state.at<void>(buffers_.weights);
    if (buffers_.scale) kernel_.scale = state.at<float>(*buffers_.scale);
    if (buffers_.bias) kernel_.bias = state.at<float>(*buffers_.bias);
    if (!buffers_.from_8_bits)
      run_on<Bf16, Bf16>(state);
    else if (!buffers_.to_8_bits)
      run_on<uint8_t, Bf16>(state);
    else
      run_on<uint8_t, uint8_t>(state);
  }

 private:
  template <typename X, typename Y>
  void run_on(const RunState& state) const {
    for (size_t n = 0; n < images_; ++n)
      kernels::grouped(
          kernel_,
          state.at<X>(buffers_.from) + n * kernel_.height * kernel_.width * kernel_.channels,
          state.at<Y>(buffers_.to) + n * kernel_.out_height * kernel_.out_width * kernel_.channels,
          state.scratchpad);
  }

  kernels::Grouped kernel_;
  size_t images_;
  Buffers buffers_;
};

class GroupedLowering {
 public:
  GroupedLowering(PlanBuilder& builder, const GraphNode& node, const Shape& out)
      : builder_(builder), node_(node), out_(out) {}

  bool lower() {
    if (!prepare() || !read_scales()) return false;
    const Layout source = channels_last_layout(problem_.in, eight_ ? DataType::u8 : DataType::bf16);
    const Layout target = channels_last_layout(out_, ending_.grid ? DataType::u8 : DataType::bf16);
    buffers_.from_8_bits = eight_.has_value();
    buffers_.to_8_bits = ending_.grid.has_value();
    buffers_.from = builder_.in_layout(node_.inputs[0], source);
    buffers_.to = builder_.new_buffer(target.get_size());
    add_weights();
    auto step = std::make_unique<GroupedStep>(kernel_, static_cast<size_t>(out_[0]), buffers_);
    step->detail = problem_.text();
    step->flops = problem_.flops();
    step->int8 = eight_.has_value();
    step->weight_bytes = problem_.weights->count() * (eight_ ? 1 : sizeof(Bf16));
    builder_.add_step(std::move(step));
    builder_.define(node_.outputs[0], ending_.grid ? ending_.grid->type : DType::kF32, out_,
                    {target, buffers_.to});
    return true;
  }

 private:
  bool prepare() {
    if (node_.op_type != "Conv" || node_.get_int("group", 1) < 2 || !kernels::has_avx512_bf16() ||
        dnnl::get_effective_cpu_isa() < dnnl::cpu_isa::avx512_core_bf16 ||
        !builder_.is_planned_f32(node_.inputs[0]))
      return false;
    const auto problem = conv_problem(builder_, node_, builder_.value(node_.inputs[0]).shape, out_);
    const auto ending = ending_of(builder_, node_, out_);
    if (!problem || !ending || ending->residual != nullptr) return false;
    problem_ = *problem;
    ending_ = *ending;
    const bool is_int8 = is_int8_conv(builder_, node_);
    if (is_int8) eight_ = *builder_.in_8_bits(node_.inputs[0]);
    if (is_int8 && (eight_->grid.type != DType::kU8 || !is_channels_last(eight_->layout)))
      return false;
    if (ending_.grid && (!is_int8 || ending_.grid->type != DType::kU8)) return false;
    if (!is_int8 && !builder_.has_bf16_channels_last(problem_.in)) return false;
    if (!ending_.grid && !builder_.has_bf16_channels_last(out_)) return false;
    return read_window();
  }

  bool read_window() {
    const Window& window = problem_.window;
    if (problem_.in.size() != 4 || problem_.in[1] != out_[1] || !all_are(window.kernel, 3) ||
        !all_are(window.dilations, 1) || window.strides[0] != window.strides[1] ||
        window.strides[0] > 2)
      return false;
    const auto size = [](int64_t value) { return static_cast<size_t>(value); };
    kernel_.channels = size(out_[1]);
    kernel_.group = size(out_[1] / problem_.groups);
    kernel_.height = size(problem_.in[2]);
    kernel_.width = size(problem_.in[3]);
    kernel_.stride = size(window.strides[0]);
    kernel_.pad_top = size(window.pads_begin[0]);
    kernel_.pad_left = size(window.pads_begin[1]);
    kernel_.out_height = size(out_[2]);
    kernel_.out_width = size(out_[3]);
    kernel_.low = ending_.low;
    kernel_.high = ending_.high;
    if (eight_) kernel_.zero = static_cast<uint8_t>(eight_->grid.zero);
    return kernels::takes_group(kernel_.channels, kernel_.group);
  }

  // What turns the sums of 8-bit products into the numbers of the result; false where that is
  // beyond float32.
  bool read_scales() {
    if (!eight_) return true;
    const ByteSums sums = byte_sums(builder_, node_, problem_, eight_->grid);
    shifts_ = sums.shifts;
    for (const float unit : sums.units) scales_.push_back(unit * ending_.unit());
    return std::all_of(scales_.begin(), scales_.end(),
                       [](float scale) { return scale > 0 && std::isfinite(scale); });
  }

  void add_weights() {
    const auto packed = builder_.weights().made(node_.inputs[1], label(), [&] {
      const size_t channels = kernel_.channels;
      if (!eight_)
        return copy_of(
            kernels::pack_grouped(problem_.weights->data<float>(), channels, kernel_.group));
      const Tensor& bytes = builder_.graph().quantised.at(node_.inputs[1]).values;
      return copy_of(kernels::pack_grouped(bytes.data<int8_t>(), channels, kernel_.group));
    });
    buffers_.weights = builder_.constant_buffer(packed);
    if (eight_) buffers_.scale = builder_.constant_buffer(copy_of(scales_));
    std::vector<float> bias;
    for (size_t c = 0; c < kernel_.channels; ++c) {
      const double given = problem_.bias != nullptr ? problem_.bias->data<float>()[c] : 0;
      const double shift = eight_ ? shifts_[c] : given;
      bias.push_back(static_cast<float>(shift * ending_.unit() + ending_.zero()));
    }
    buffers_.bias = builder_.constant_buffer(copy_of(bias));
  }

  const char* label() const { return eight_ ? "groups of 8 bits" : "groups of bfloat16"; }

  PlanBuilder& builder_;
  const GraphNode& node_;
  const Shape& out_;
  ConvProblem problem_;
  ConvEnding ending_;
  std::optional<Placement> eight_;  // the input, where it is multiplied in 8 bits
  std::vector<float> scales_;       // then
  std::vector<double> shifts_;
  kernels::Grouped kernel_;
  GroupedStep::Buffers buffers_;
};

}  // namespace

bool lower_grouped(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  return GroupedLowering(builder, node, out).lower();
}

}  // namespace cairn::engine
