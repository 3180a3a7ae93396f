// Where the values of a plan lie: the half of PlanBuilder that the lowerings ask for layouts and
// buffers.
#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/amx.h"
#include "cairn/engine/plan/builder.h"
#include "cairn/engine/plan/dnnl_step.h"
#include "cairn/engine/plan/scaled.h"

namespace cairn::engine {

using Kind = PlanValue::Kind;

bool PlanBuilder::is_planned_f32(const std::string& name) {
  const PlanValue& found = value(name);
  return found.kind == Kind::kPlanned && found.dtype == DType::kF32 && fits_dnnl(found.shape);
}

const Tensor* PlanBuilder::constant_f32(const GraphNode& node, size_t input) {
  if (node.inputs.size() <= input || node.inputs[input].empty()) return nullptr;
  const PlanValue& found = value(node.inputs[input]);
  const bool fits = found.kind == Kind::kConstant && found.constant.dtype() == DType::kF32;
  return fits ? &found.constant : nullptr;
}

BufferId PlanBuilder::new_buffer(size_t bytes) {
  buffers.push_back({.kind = Buffer::Kind::kArena, .bytes = bytes});
  return buffers.size() - 1;
}

BufferId PlanBuilder::constant_buffer(std::shared_ptr<void> memory) {
  buffers.push_back({.kind = Buffer::Kind::kConstant, .constant = std::move(memory)});
  return buffers.size() - 1;
}

void PlanBuilder::define(const std::string& name, DType dtype, const Shape& shape,
                         const Placement& placement) {
  PlanValue& made = values_[name];
  made.kind = Kind::kPlanned;
  made.dtype = dtype;
  made.shape = shape;
  made.placements = {placement};
  residents_[placement.buffer].push_back(name);
}

DataType PlanBuilder::map_type(const Shape& map) const {
  const bool one_position =
      std::all_of(map.begin() + 2, map.end(), [](int64_t dim) { return dim == 1; });
  return bf16_ && !one_position ? DataType::bf16 : DataType::f32;
}

bool PlanBuilder::multiplies_bf16_in_vectors() const {
  return bf16_ && dnnl::get_effective_cpu_isa() == dnnl::cpu_isa::avx512_core_bf16;
}

bool PlanBuilder::has_bf16_channels_last(const Shape& map) const {
  return map_type(map) == DataType::bf16 && is_channels_last(map_layout(map, DataType::bf16));
}

bool PlanBuilder::multiplies_in_tiles() {
  return has_amx() && dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_amx;
}

bool PlanBuilder::own_depthwise() const { return bf16_ && own_depthwise_; }

DataType PlanBuilder::map_type_of(const std::string& name, const Shape& map) const {
  return !own_depthwise() && read_by_depthwise_.contains(name) ? DataType::f32 : map_type(map);
}

Layout PlanBuilder::map_layout(const Shape& map, DataType type) const {
  const bool chunks = !read_by_depthwise_.empty() && !own_depthwise();
  return type == DataType::bf16 && !chunks ? channels_last_layout(map, type)
                                           : blocked_layout(map, type);
}

Layout PlanBuilder::layout_of(const std::string& name) {
  const PlanValue& found = value(name);
  const Layout& layout = found.placements[0].layout;
  return is_8bit(layout) ? with_type(layout, map_type_of(name, found.shape)) : layout;
}

Placement PlanBuilder::computed(const std::string& name) {
  const Layout layout = layout_of(name);
  return {layout, in_layout(name, layout)};
}

const Placement* PlanBuilder::in_8_bits(const std::string& name) {
  const PlanValue& found = value(name);
  const bool there = found.kind == Kind::kPlanned && found.dtype == DType::kF32 &&
                     !found.placements[0].layout.is_zero() && is_8bit(found.placements[0].layout);
  return there ? &found.placements[0] : nullptr;
}

Placement PlanBuilder::as_f32(const std::string& name) {
  const Layout layout = with_type(layout_of(name), DataType::f32);
  return {layout, in_layout(name, layout)};
}

BufferId PlanBuilder::plain(const std::string& name) {
  PlanValue& found = value(name);
  if (found.kind == Kind::kConstant) return constant_buffer(found.constant.memory());
  if (found.placements[0].layout.is_zero()) return found.placements[0].buffer;
  const bool number = found.dtype == DType::kF32;
  return in_layout(
      name,
      plain_layout(found.shape, number ? DataType::f32 : found.placements[0].layout.data_type()));
}

BufferId PlanBuilder::in_layout(const std::string& name, const Layout& layout) {
  PlanValue& found = value(name);
  if (found.kind == Kind::kConstant) {
    const Layout from = plain_layout(found.constant.shape());
    const Tensor* constant = graph_.constant(name);
    // Only what the graph holds has the same values in every plan.
    WeightCache own;
    WeightCache& cache = constant != nullptr ? weights_ : own;
    return constant_buffer(cache.packed(name, found.constant, from, layout));
  }
  if (found.scaling) compute_scaling(name);
  for (const Placement& placement : found.placements)
    if (same_bytes(placement.layout, layout)) return placement.buffer;
  // Numbers come of 8 bits by a step of their own, which leaves every one in its place.
  Placement from = found.placements[0];
  if (is_8bit(from.layout) && !is_8bit(layout)) {
    const auto numbers =
        std::find_if(found.placements.begin(), found.placements.end(),
                     [](const Placement& placement) { return !is_8bit(placement.layout); });
    if (numbers != found.placements.end()) {
      from = *numbers;
    } else {
      const Layout same_places = with_type(from.layout, layout.data_type());
      const Placement made{same_places, new_buffer(same_places.get_size())};
      add_dequantisation(*this, from, layout.data_type(), made.buffer);
      found.placements.push_back(made);
      residents_[made.buffer].push_back(name);
      if (same_bytes(same_places, layout)) return made.buffer;
      from = made;
    }
  }
  const BufferId buffer = new_buffer(layout.get_size());
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc reorder(dnnl_engine(), from.layout, dnnl_engine(), layout,
                                              attributes);
  add_primitive("reorder", dnnl::reorder(reorder), reorder.scratchpad_desc(),
                {{DNNL_ARG_FROM, from.layout, from.buffer}}, {{DNNL_ARG_TO, layout, buffer}});
  ++reorders;
  found.placements.push_back({layout, buffer, from.grid});
  residents_[buffer].push_back(name);
  return buffer;
}

void PlanBuilder::define_scaling(const std::string& name, const Shape& shape, const Placement& from,
                                 const PlanValue::Scaling& scaling) {
  define(name, DType::kF32, shape, from);
  values_[name].scaling = scaling;
  // What it is made of stays as it is until then.
  residents_[scaling.scale].push_back(name);
  if (scaling.shift) residents_[*scaling.shift].push_back(name);
  if (!scaling.other) return;
  residents_[*scaling.other].push_back(name);
  residents_[scaling.other_scale].push_back(name);
}

bool PlanBuilder::is_projected(const std::string& name) const {
  return multiplies_bf16_in_vectors() && projected_.contains(name) && values_.at(name).uses == 1;
}

void PlanBuilder::compute_scaling(const std::string& name) {
  PlanValue& found = value(name);
  Placement& placement = found.placements[0];
  const ScaledPart part{placement.buffer, static_cast<size_t>(found.shape[1]), found.scaling};
  found.scaling.reset();
  // A new buffer, for the node at hand may read the old one as well.
  placement.buffer = new_buffer(placement.layout.get_size());
  residents_[placement.buffer].push_back(name);
  add_scaling(*this, {part}, placement.layout.data_type(), found.shape, placement);
}

bool PlanBuilder::may_overwrite(BufferId buffer) {
  if (buffers[buffer].kind != Buffer::Kind::kArena) return false;
  const std::vector<std::string>& residents = residents_[buffer];
  return std::all_of(residents.begin(), residents.end(),
                     [&](const std::string& name) { return value(name).uses == 0; });
}

Step& PlanBuilder::add_primitive(const std::string& label, const dnnl::primitive& primitive,
                                 const Layout& scratchpad, const std::vector<Argument>& reads,
                                 const std::vector<Argument>& writes) {
  auto step = std::make_unique<DnnlStep>(dnnl_engine(), primitive, scratchpad);
  step->label = label;
  for (const Argument& argument : reads) {
    step->add(dnnl_engine(), argument, false);
    if (buffers[argument.buffer].kind == Buffer::Kind::kConstant)
      step->weight_bytes += argument.layout.get_size();
  }
  for (const Argument& argument : writes) step->add(dnnl_engine(), argument, true);
  add_step(std::move(step));
  return *steps.back();
}

std::string PlanBuilder::temporary(const std::string& stem) {
  std::string name;
  do {
    name = fmt::format("{}#{}", stem, temporaries_++);
  } while (values_.contains(name));
  return name;
}

}  // namespace cairn::engine
