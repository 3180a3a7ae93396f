#include "cairn/engine/plan/global_mean.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cairn/engine/kernels/power_sum.h"

namespace cairn::engine {
namespace {

class GlobalMeanStep : public Step {
 public:
  GlobalMeanStep(const Placement& from, const Shape& in, float exponent, BufferId to)
      : block_(static_cast<size_t>(channel_block(from.layout))),
        type_(from.layout.data_type()),
        grid_(from.grid),
        exponent_(exponent),
        from_(from.buffer),
        to_(to) {
    label = exponent == 1 ? "global mean" : "global power mean";
    const auto block_size = static_cast<int64_t>(block_);
    blocks_ = static_cast<size_t>(in[0] * ((in[1] + block_size - 1) / block_size));
    for (size_t i = 2; i < in.size(); ++i) positions_ *= static_cast<size_t>(in[i]);
    reads = {from.buffer};
    writes = {to};
  }

  void run(RunState& state) override {
    switch (type_) {
      case DataType::u8:
        return run_on<uint8_t>(state);
      case DataType::s8:
        return run_on<int8_t>(state);
      case DataType::bf16:
        return run_on<kernels::Bf16>(state);
      default:
        return run_on<float>(state);
    }
  }

 private:
  // Padded channels hold zeros, whose mean is zero.
  template <typename T>
  void run_on(const RunState& state) {
    const T* x = state.at<T>(from_);
    float* y = state.at<float>(to_);
    for (size_t i = 0; i < blocks_; ++i, x += positions_ * block_, y += block_) {
      sums_.assign(block_, 0);
      if constexpr (sizeof(T) == 1)
        kernels::add_up(x, sums_.data(), positions_, block_);
      else
        kernels::add_powers(x, exponent_, sums_.data(), positions_, block_);
      for (size_t k = 0; k < block_; ++k) {
        double mean = sums_[k] / static_cast<double>(positions_);
        if (sizeof(T) == 1) mean = (mean - grid_.zero) * grid_.scale;
        y[k] = static_cast<float>(mean);
      }
    }
  }

  size_t blocks_ = 0;  // of channels, of all images
  size_t block_ = 1;
  size_t positions_ = 1;
  DataType type_;
  Grid grid_;
  float exponent_;
  BufferId from_;
  BufferId to_;
  std::vector<double> sums_;  // of the block at hand
};

}  // namespace

bool is_global_mean(const GraphNode& node, size_t rank) {
  if (node.op_type == "GlobalAveragePool") return true;
  if (node.op_type != "ReduceMean" || node.inputs.size() != 1) return false;
  std::vector<int64_t> axes = node.get_ints("axes");
  for (int64_t& axis : axes)
    if (axis < 0) axis += static_cast<int64_t>(rank);
  std::sort(axes.begin(), axes.end());
  if (axes.size() != rank - 2) return false;
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] != static_cast<int64_t>(i) + 2) return false;
  return true;
}

std::optional<Placement> add_global_mean(PlanBuilder& builder, const std::string& input,
                                         float exponent) {
  const PlanValue& value = builder.value(input);
  if (value.means && exponent == 1)
    return Placement{plain_layout({value.shape[0], value.shape[1], 1, 1}), *value.means};
  const Placement* const eight = builder.in_8_bits(input);
  const bool as_bytes = eight != nullptr && exponent == 1;
  const Layout layout = as_bytes ? eight->layout : builder.layout_of(input);
  const int block = channel_block(layout);
  const Shape in = builder.value(input).shape;
  // oneDNN's mean of float32 is as good.
  if (block == 0 || in.size() < 3 || in.size() > 5 ||
      (exponent == 1 && !as_bytes && !is_bf16(layout)))
    return std::nullopt;
  const Placement from = as_bytes ? *eight : builder.computed(input);
  Shape kept(in.size(), 1);
  std::copy_n(in.begin(), 2, kept.begin());
  const Layout to =
      block == 1 || is_channels_last(layout) ? plain_layout(kept) : blocked_layout(kept);
  const BufferId target = builder.new_buffer(to.get_size());
  builder.add_step(std::make_unique<GlobalMeanStep>(from, in, exponent, target));
  return Placement{to, target};
}

void define_global(PlanBuilder& builder, const std::string& output, const Shape& out,
                   const Shape& in, const Placement& made) {
  Shape kept(in.size(), 1);
  std::copy_n(in.begin(), 2, kept.begin());
  if (kept == out) return builder.define(output, DType::kF32, out, made);
  const std::string all_axes = builder.temporary(output);  // ReduceMean without keepdims
  builder.define(all_axes, DType::kF32, kept, made);
  const BufferId buffer = builder.plain(all_axes);
  builder.define(output, DType::kF32, out, {plain_layout(out), buffer});
}

bool lower_power_mean(PlanBuilder& builder, const GraphNode& power, const GraphNode& mean,
                      const Shape& in) {
  if (power.op_type != "Pow" || !power.post_ops.empty() || in.size() < 3 ||
      !is_global_mean(mean, in.size()) || builder.value(power.inputs[0]).shape != in)
    return false;
  const Tensor* const exponent = builder.constant_f32(power, 1);
  if (exponent == nullptr || exponent->count() != 1) return false;
  const float p = *exponent->data<float>();
  if (!(p > 0) || !std::isfinite(p)) return false;
  const auto made = add_global_mean(builder, power.inputs[0], p);
  if (!made) return false;
  Shape out(in.begin(), in.begin() + 2);
  if (mean.op_type == "GlobalAveragePool" || mean.get_int("keepdims", 1) != 0)
    out.resize(in.size(), 1);
  define_global(builder, mean.outputs[0], out, in, *made);
  return true;
}

}  // namespace cairn::engine
