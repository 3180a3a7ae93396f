// QuantizeLinear and DequantizeLinear between maps: a value on a grid of 8 bits lies in memory as
// that until somebody needs its numbers.
#include <algorithm>

#include "cairn/engine/kernels/quantise.h"
#include "cairn/engine/plan/builder.h"
#include "cairn/engine/plan/scaled.h"
#include "cairn/engine/quantised.h"

namespace cairn::engine {
namespace {

// To or from 8 bits, number by number.
class GridStep : public Step {
 public:
  GridStep(bool quantises, const Layout& numbers, const Grid& grid, BufferId from, BufferId to)
      : quantises_(quantises),
        bf16_(is_bf16(numbers)),
        grid_(grid),
        count_(element_count(numbers.dims())),
        from_(from),
        to_(to) {
    label = quantises ? "quantise" : "dequantise";
    reads = {from};
    writes = {to};
  }

  void run(RunState& state) override {
    if (bf16_)
      run_on<kernels::Bf16>(state);
    else
      run_on<float>(state);
  }

 private:
  template <typename Number>
  void run_on(const RunState& state) const {
    if (grid_.type == DType::kU8)
      run_on<Number, uint8_t>(state);
    else
      run_on<Number, int8_t>(state);
  }

  template <typename Number, typename Byte>
  void run_on(const RunState& state) const {
    if (quantises_)
      kernels::quantise(state.at<Number>(from_), state.at<Byte>(to_), grid_.scale, grid_.zero,
                        count_);
    else
      kernels::dequantise(state.at<Byte>(from_), state.at<Number>(to_), grid_.scale, grid_.zero,
                          count_);
  }

  bool quantises_;
  bool bf16_;
  Grid grid_;
  size_t count_;
  BufferId from_;
  BufferId to_;
};

// A photo's planes to bytes without a sign, channels last.
class PhotoGridStep : public Step {
 public:
  PhotoGridStep(const Shape& photos, const Grid& grid, BufferId from, BufferId to)
      : images_(static_cast<size_t>(photos[0])),
        positions_(element_count(photos) / 3 / std::max<size_t>(images_, 1)),
        grid_(grid),
        from_(from),
        to_(to) {
    label = "quantise";
    reads = {from};
    writes = {to};
  }

  void run(RunState& state) override {
    for (size_t n = 0; n < images_; ++n) {
      const size_t at = n * 3 * positions_;
      kernels::quantise_planes(state.at<float>(from_) + at, state.at<uint8_t>(to_) + at,
                               grid_.scale, grid_.zero, positions_);
    }
  }

 private:
  size_t images_;
  size_t positions_;
  Grid grid_;
  BufferId from_;
  BufferId to_;
};

DataType byte_type(DType type) { return type == DType::kU8 ? DataType::u8 : DataType::s8; }

// Without padding, since padded zeros would not be zeros on a grid.
Layout dense_layout(const Layout& layout) {
  const Shape shape = layout.dims();
  const bool map = shape.size() >= 3 && shape.size() <= 5;
  return map ? channels_last_layout(shape, layout.data_type())
             : plain_layout(shape, layout.data_type());
}

}  // namespace

void add_dequantisation(PlanBuilder& builder, const Placement& from, DataType type,
                        BufferId target) {
  builder.add_step(std::make_unique<GridStep>(false, with_type(from.layout, type), from.grid,
                                              from.buffer, target));
}

bool lower_dequantise(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.op_type != "DequantizeLinear") return false;
  std::optional<Grid> grid = grid_of(builder.graph(), node);
  const PlanValue& input = builder.value(node.inputs[0]);
  if (!grid || input.kind != PlanValue::Kind::kPlanned ||
      (input.dtype != DType::kU8 && input.dtype != DType::kI8))
    return false;
  grid->type = input.dtype;
  Placement placement = input.placements[0];
  if (placement.layout.is_zero()) placement.layout = plain_layout(out, byte_type(grid->type));
  placement.grid = *grid;
  builder.define(node.outputs[0], DType::kF32, out, placement);
  return true;
}

bool lower_quantise(PlanBuilder& builder, const GraphNode& node, const Shape& out) {
  if (node.op_type != "QuantizeLinear" || !builder.is_planned_f32(node.inputs[0])) return false;
  const std::string& input = node.inputs[0];
  const std::optional<Grid> grid = grid_of(builder.graph(), node);
  if (!grid) return false;
  const Placement* const there = builder.in_8_bits(input);
  if (there != nullptr && there->grid == *grid) {
    builder.define(node.outputs[0], grid->type, out, Placement(*there));
    return true;
  }
  if (const Layout planes = plain_layout(out); out.size() == 4 && out[1] == 3 &&
                                               grid->type == DType::kU8 &&
                                               builder.layout_of(input) == planes) {
    const Layout bytes = channels_last_layout(out, DataType::u8);
    const BufferId from = builder.in_layout(input, planes);
    const BufferId to = builder.new_buffer(bytes.get_size());
    builder.add_step(std::make_unique<PhotoGridStep>(out, *grid, from, to));
    builder.define(node.outputs[0], grid->type, out, {bytes, to});
    return true;
  }
  if (const PlanValue& value = builder.value(input);
      value.scaling && grid->type == DType::kU8 && out.size() == 4) {
    const Layout from = value.placements[0].layout;
    const ScaledPart part{value.placements[0].buffer, static_cast<size_t>(out[1]), value.scaling};
    Placement target{with_type(from, DataType::u8), 0, *grid};
    target.buffer = builder.new_buffer(target.layout.get_size());
    add_scaling(builder, {part}, from.data_type(), out, target);
    builder.define(node.outputs[0], grid->type, out, target);
    return true;
  }
  const Layout numbers = dense_layout(builder.layout_of(input));
  const BufferId from = builder.in_layout(input, numbers);
  const Layout bytes = with_type(numbers, byte_type(grid->type));
  const BufferId to = builder.new_buffer(bytes.get_size());
  builder.add_step(std::make_unique<GridStep>(true, numbers, *grid, from, to));
  builder.define(node.outputs[0], grid->type, out, {bytes, to});
  return true;
}

}  // namespace cairn::engine
