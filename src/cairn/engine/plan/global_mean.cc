#include "cairn/engine/plan/global_mean.h"

#include <algorithm>
#include <vector>

#include "cairn/engine/kernels/channels.h"

namespace cairn::engine {
namespace {

class GlobalMeanStep : public Step {
 public:
  GlobalMeanStep(const Shape& in, size_t block, BufferId from, BufferId to)
      : block_(block), from_(from), to_(to) {
    label = "global mean";
    const auto block_size = static_cast<int64_t>(block);
    blocks_ = static_cast<size_t>(in[0] * ((in[1] + block_size - 1) / block_size));
    for (size_t i = 2; i < in.size(); ++i) positions_ *= static_cast<size_t>(in[i]);
    reads = {from};
    writes = {to};
  }

  // Padded channels hold zeros, whose mean is zero.
  void run(RunState& state) override {
    const kernels::Bf16* x = state.at<kernels::Bf16>(from_);
    float* y = state.at<float>(to_);
    for (size_t i = 0; i < blocks_; ++i, x += positions_ * block_, y += block_) {
      sums_.assign(block_, 0);
      kernels::add_up(x, sums_.data(), positions_, block_);
      for (size_t k = 0; k < block_; ++k)
        y[k] = static_cast<float>(sums_[k] / static_cast<double>(positions_));
    }
  }

 private:
  size_t blocks_ = 0;  // of channels, of all images
  size_t block_ = 1;
  size_t positions_ = 1;
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

std::optional<Placement> add_global_mean(PlanBuilder& builder, const std::string& input) {
  const PlanValue& value = builder.value(input);
  if (value.means)
    return Placement{plain_layout({value.shape[0], value.shape[1], 1, 1}), *value.means};
  const Placement from = builder.computed(input);
  const int block = channel_block(from.layout);
  if (!is_bf16(from.layout) || block == 0) return std::nullopt;
  const Shape in = value.shape;
  Shape kept(in.size(), 1);
  std::copy_n(in.begin(), 2, kept.begin());
  const Layout to =
      block == 1 || is_channels_last(from.layout) ? plain_layout(kept) : blocked_layout(kept);
  const BufferId target = builder.new_buffer(to.get_size());
  builder.add_step(
      std::make_unique<GlobalMeanStep>(in, static_cast<size_t>(block), from.buffer, target));
  return Placement{to, target};
}

}  // namespace cairn::engine
