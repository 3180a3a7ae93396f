// Makes the plan of a graph for one set of input shapes: what each value's shape and layout is, and
// the steps that compute it. The lowering of each family of operators is a file of its own
// (lower_*.cc).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cairn/engine/graph.h"
#include "cairn/engine/plan/layout.h"
#include "cairn/engine/plan/shape_inference.h"
#include "cairn/engine/plan/step.h"
#include "cairn/engine/plan/weight_cache.h"
#include "cairn/engine/precision.h"

namespace cairn::engine {

// One way in which a value lies in memory.
struct Placement {
  // Of float32 values, and of 8-bit ones that were quantised, as far as they fit oneDNN; otherwise
  // unset, and row-major.
  Layout layout;
  BufferId buffer = 0;
  Grid grid{};  // of a float32 value that lies in 8 bits
};

struct PlanValue {
  // kConstant: known now. kPlanned: shape known now, data in buffers. kDynamic: only a run tells
  // the shape.
  enum class Kind { kConstant, kPlanned, kDynamic };
  Kind kind = Kind::kDynamic;
  DType dtype = DType::kF32;
  Shape shape;
  Tensor constant;
  std::vector<Placement> placements;  // kPlanned: the first is where it was computed
  // It is yet to be computed, from what its placement says: times scale plus shift, plus another
  // map times its scale, and rectified. Scales and shifts are N × C.
  struct Scaling {
    BufferId scale = 0;
    std::optional<BufferId> shift{};
    std::optional<BufferId> other{};
    BufferId other_scale = 0;
    bool rectified = false;
  };
  std::optional<Scaling> scaling;
  std::optional<BufferId> means;  // N × C: of each channel, where a step made them on the way
  size_t uses = 0;                // by nodes that are not lowered yet, and by outputs
};

class PlanBuilder;
// Makes the steps of a node and defines its output of this shape, or does nothing: false.
using Lowering = bool (*)(PlanBuilder& builder, const GraphNode& node, const Shape& out);

class PlanBuilder {
 public:
  PlanBuilder(const Graph& graph, WeightCache& weights, Precision precision);

  // What the builder makes.
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<Buffer> buffers;
  size_t reorders = 0;

  void add_input(const std::string& name, size_t index, const Tensor& tensor);
  void count_uses(const std::vector<size_t>& nodes, const std::vector<std::string>& outputs);
  void lower(const GraphNode& node);
  // Two nodes at once, the second of which is the only user of the first; false where that has no
  // use, and nothing has changed.
  bool lower_pair(const GraphNode& first, const GraphNode& second);
  // Puts an output where the caller gets it; false where the value is constant or dynamic.
  bool finish_output(const std::string& name, size_t index);

  // --- for the lowerings ---

  const Graph& graph() const { return graph_; }
  const dnnl::engine& dnnl_engine() const { return weights_.engine(); }
  WeightCache& weights() { return weights_; }
  PlanValue& value(const std::string& name) { return values_.at(name); }
  bool is_constant(const std::string& name) {
    return value(name).kind == PlanValue::Kind::kConstant;
  }
  // Planned, float32, and of a shape that oneDNN takes.
  bool is_planned_f32(const std::string& name);
  // The float constant of an input; null where it is left out, not constant or of another type.
  const Tensor* constant_f32(const GraphNode& node, size_t input);

  BufferId new_buffer(size_t bytes);
  BufferId constant_buffer(std::shared_ptr<void> memory);
  // Declares a planned output. The layout is ignored for what is not a float32 value.
  void define(const std::string& name, DType dtype, const Shape& shape, const Placement& placement);
  // How the maps of convolutions are to lie in memory: bfloat16 where the plan is of that precision
  // and they have more than one position. A single one is what global pooling made, and precious.
  DataType map_type(const Shape& map) const;
  // The same for one value. What a depthwise convolution reads stays float32.
  DataType map_type_of(const std::string& name, const Shape& map) const;
  // Whether the plan is of bfloat16 and the processor multiplies it, but has no matrix unit (AMX),
  // which is faster still.
  bool multiplies_bf16_in_vectors() const;
  // Whether it has one, and oneDNN may use it.
  static bool multiplies_in_tiles();
  // Whether our own kernel computes all depthwise convolutions, from bfloat16 maps.
  bool own_depthwise() const;
  // Where a map of this type lies best: in blocks of channels, or, as bfloat16, with the channels
  // last, which is what the matrix unit (AMX) takes. In chunks of channels only blocks can be cut.
  Layout map_layout(const Shape& map, DataType type) const;
  // Whether maps of this shape are bfloat16 with the channels last.
  bool has_bf16_channels_last(const Shape& map) const;
  // Where the value lies row-major, or in this layout: reordered where it does not yet.
  BufferId plain(const std::string& name);
  BufferId in_layout(const std::string& name, const Layout& layout);
  // Declares a value that is yet to be scaled. The placement is that of the map.
  void define_scaling(const std::string& name, const Shape& shape, const Placement& from,
                      const PlanValue::Scaling& scaling);
  // Whether a sum of two maps reads the value.
  bool is_added(const std::string& name) const { return added_.contains(name); }
  // Whether one 1x1 convolution alone reads the value, and would scale it on the way.
  bool is_projected(const std::string& name) const;
  // Computes a value that is yet to be scaled.
  void compute_scaling(const std::string& name);
  // The layout in which a float32 value was computed; where that is one of 8 bits, the one in which
  // it is to be read as numbers.
  Layout layout_of(const std::string& name);
  // The value in that layout.
  Placement computed(const std::string& name);
  // The same as float32.
  Placement as_f32(const std::string& name);
  // Where a float32 value lies in 8 bits; null where it does not.
  const Placement* in_8_bits(const std::string& name);
  // Whether nobody needs what the buffer holds once the node being lowered has run, so that it may
  // write there.
  bool may_overwrite(BufferId buffer);

  // One argument of a primitive.
  struct Argument {
    int id = 0;  // DNNL_ARG_…
    Layout layout;
    BufferId buffer = 0;
  };
  void add_step(std::unique_ptr<Step> step) { steps.push_back(std::move(step)); }
  Step& add_primitive(const std::string& label, const dnnl::primitive& primitive,
                      const Layout& scratchpad, const std::vector<Argument>& reads,
                      const std::vector<Argument>& writes);

  // The output takes an activation of a planned float32 value, in its layout.
  void add_activation(const std::string& input, const std::string& output,
                      const PostOp& activation);
  // A name that no value has.
  std::string temporary(const std::string& stem);
  // A value that one more node will read.
  void expect_use(const std::string& name) { ++values_[name].uses; }

 private:
  bool lower_constant(const GraphNode& node);
  std::optional<std::vector<InferredOutput>> infer(const GraphNode& node);
  bool lower_view(const GraphNode& node, const std::vector<InferredOutput>& outputs);
  void lower_chain(const GraphNode& node);
  std::optional<std::pair<GraphNode, GraphNode>> without_quantisation(const GraphNode& node);
  void lower_generic(const GraphNode& node, const std::vector<InferredOutput>& outputs);
  void lower_dynamic(const GraphNode& node);
  std::vector<struct StepInput> step_inputs(const GraphNode& node);
  Tensor stand_in(const PlanValue& value);

  const Graph& graph_;
  WeightCache& weights_;
  bool bf16_;
  bool own_depthwise_;
  std::map<std::string, PlanValue> values_;
  std::map<BufferId, std::vector<std::string>> residents_;  // values that lie in a buffer
  std::set<std::string> read_by_depthwise_;
  std::set<std::string> added_;      // by nodes that do nothing else
  std::set<std::string> projected_;  // by 1x1 convolutions
  size_t temporaries_ = 0;
};

// The lowerings: true where the node's steps were added and its outputs defined. Otherwise nothing
// has changed, and the function of ops/ serves.
bool lower_conv(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_winograd(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_grouped(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_depthwise(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_chunked_conv(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_gemm(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_pool(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_eltwise(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_binary(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_channels(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_instance_norm(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_concat(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_resize(PlanBuilder& builder, const GraphNode& node, const Shape& out);

// The lowerings of 8-bit values: a Conv of 8 bits by 8 bits, whose result is of 8 bits where the
// node ends with a quantisation; a gate with a residual, and a 1x1 Conv that takes it in; a
// DequantizeLinear, which costs nothing; a QuantizeLinear.
bool lower_int8_conv(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_gate(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_gated_projection(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_dequantise(PlanBuilder& builder, const GraphNode& node, const Shape& out);
bool lower_quantise(PlanBuilder& builder, const GraphNode& node, const Shape& out);
// Whether a Conv's input and weights are of 8 bits, and the processor multiplies them natively.
bool is_int8_conv(PlanBuilder& builder, const GraphNode& node);
// The step that makes numbers of a value in 8 bits: the same places in a float type.
void add_dequantisation(PlanBuilder& builder, const Placement& from, DataType type,
                        BufferId target);

// Pow by a constant and the mean over all positions of that, of a map of the shape `in`.
bool lower_power_mean(PlanBuilder& builder, const GraphNode& power, const GraphNode& mean,
                      const Shape& in);

// A Conv that widens and the depthwise Conv that follows it, a few channels at a time. wide: the
// shape between them.
bool lower_chunked_pair(PlanBuilder& builder, const GraphNode& first, const GraphNode& second,
                        const Shape& wide);
// The same by our own kernel, which some processors have, and which depthwise ones it takes.
bool lower_depthwise_pair(PlanBuilder& builder, const GraphNode& first, const GraphNode& second,
                          const Shape& wide);
bool kernel_takes_depthwise(const GraphNode& node, const Shape& weights);

// oneDNN's name and numbers for an activation.
struct Eltwise {
  dnnl::algorithm algorithm = dnnl::algorithm::eltwise_relu;
  float alpha = 0;
  float beta = 0;
  float scale = 1;
};
std::vector<Eltwise> eltwise_of(const PostOp& activation);

}  // namespace cairn::engine
