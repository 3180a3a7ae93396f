#include "cairn/engine/plan/builder.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "cairn/base/error.h"
#include "cairn/engine/interpreter.h"
#include "cairn/engine/plan/generic_step.h"

namespace cairn::engine {

using Kind = PlanValue::Kind;

namespace {

bool is_depthwise(const Graph& graph, const GraphNode& node) {
  if (node.op_type != "Conv" || node.inputs.size() < 2) return false;
  const Tensor* const weights = graph.constant(node.inputs[1]);
  return weights != nullptr && weights->shape().size() > 2 && weights->dim(1) == 1 &&
         weights->dim(0) == node.get_int("group", 1) && weights->dim(0) > 1;
}

bool is_pointwise(const Graph& graph, const GraphNode& node) {
  if (node.op_type != "Conv" || node.inputs.size() < 2) return false;
  const Tensor* const weights = graph.constant(node.inputs[1]);
  return weights != nullptr && weights->shape().size() == 4 && weights->dim(2) == 1 &&
         weights->dim(3) == 1;
}

}  // namespace

PlanBuilder::PlanBuilder(const Graph& graph, WeightCache& weights, Precision precision)
    : graph_(graph),
      weights_(weights),
      bf16_(available_precision(precision) == Precision::kBf16),
      own_depthwise_(dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16) {}

void PlanBuilder::add_input(const std::string& name, size_t index, const Tensor& tensor) {
  buffers.push_back({.kind = Buffer::Kind::kInput, .bytes = tensor.bytes(), .index = index});
  const bool dnnl = tensor.dtype() == DType::kF32 && fits_dnnl(tensor.shape());
  define(name, tensor.dtype(), tensor.shape(),
         {dnnl ? plain_layout(tensor.shape()) : Layout(), buffers.size() - 1});
}

void PlanBuilder::count_uses(const std::vector<size_t>& nodes,
                             const std::vector<std::string>& outputs) {
  for (const size_t i : nodes) {
    const GraphNode& node = graph_.nodes[i];
    if (is_pointwise(graph_, node)) projected_.insert(node.inputs[0]);
    if (is_depthwise(graph_, node)) {
      read_by_depthwise_.insert(node.inputs[0]);
      own_depthwise_ =
          own_depthwise_ && kernel_takes_depthwise(node, graph_.constant(node.inputs[1])->shape());
    }
    if (node.op_type == "Add" && node.post_ops.empty())
      added_.insert(node.inputs.begin(), node.inputs.end());
    for (const std::string& input : graph_.nodes[i].inputs) {
      if (input.empty()) continue;
      PlanValue& used = values_[input];
      ++used.uses;
      if (const Tensor* constant = graph_.constant(input)) {
        used.kind = Kind::kConstant;
        used.constant = *constant;
      }
    }
  }
  for (const std::string& output : outputs) {
    PlanValue& used = values_[output];
    ++used.uses;
    if (const Tensor* constant = graph_.constant(output)) {
      used.kind = Kind::kConstant;
      used.constant = *constant;
    }
  }
}

void PlanBuilder::lower(const GraphNode& node) {
  bool constant = true;
  bool dynamic = false;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i].empty()) continue;
    PlanValue& input = value(node.inputs[i]);
    --input.uses;
    constant = constant && input.kind == Kind::kConstant;
    dynamic = dynamic || input.kind == Kind::kDynamic ||
              (input.kind == Kind::kPlanned && depends_on_value(node.op_type, i));
  }
  if (constant && lower_constant(node)) return;
  if (dynamic) return lower_dynamic(node);
  const auto outputs = infer(node);
  if (!outputs) return lower_dynamic(node);  // running it says what is wrong
  if (node.op_type == "Shape" || node.op_type == "Size") {
    if (lower_constant(node)) return;
  }
  if (node.post_ops.empty() && lower_view(node, *outputs)) return;
  const DType type = (*outputs)[0].dtype;
  const bool one = node.outputs.size() == 1 && fits_dnnl((*outputs)[0].shape);
  const auto lowered_by = [&](std::initializer_list<Lowering> lowerings) {
    return std::any_of(lowerings.begin(), lowerings.end(), [&](const Lowering& lowering) {
      return lowering(*this, node, (*outputs)[0].shape);
    });
  };
  if (one && (type == DType::kU8 || type == DType::kI8) &&
      lowered_by({lower_winograd, lower_grouped, lower_gated_projection, lower_int8_conv,
                  lower_depthwise, lower_gate, lower_concat, lower_quantise}))
    return;
  if (one && type == DType::kF32 &&
      lowered_by({lower_winograd, lower_grouped, lower_gated_projection, lower_int8_conv,
                  lower_gate, lower_dequantise, lower_depthwise, lower_chunked_conv, lower_conv,
                  lower_gemm, lower_pool, lower_eltwise, lower_channels, lower_binary, lower_concat,
                  lower_resize, lower_instance_norm}))
    return;
  if (const auto split = without_quantisation(node)) {
    for (const GraphNode* part : {&split->first, &split->second})
      for (const std::string& input : part->inputs)
        if (!input.empty()) expect_use(input);  // lower() takes them away again
    lower(split->first);
    return lower(split->second);
  }
  if (!node.post_ops.empty()) return lower_chain(node);
  lower_generic(node, *outputs);
}

bool PlanBuilder::lower_pair(const GraphNode& first, const GraphNode& second) {
  if (first.outputs.size() != 1 || second.outputs.size() != 1 || first.inputs.empty() ||
      second.inputs.empty() || second.inputs[0] != first.outputs[0] ||
      value(first.outputs[0]).uses != 1 || first.inputs[0].empty() ||
      !is_planned_f32(first.inputs[0]))
    return false;
  // Our own kernel, which keeps the wide map in the cache, is faster than two of oneDNN's in 8
  // bits.
  const bool int8 = is_int8_conv(*this, first);
  if (int8 && !own_depthwise()) return false;
  const auto wide = infer(first);
  if (!wide || (*wide)[0].dtype != DType::kF32 || !fits_dnnl((*wide)[0].shape)) return false;
  PlanValue& input = value(first.inputs[0]);
  const Shape& between = (*wide)[0].shape;
  const bool convs = first.op_type == "Conv" && second.op_type == "Conv";
  const bool lowered = convs ? lower_depthwise_pair(*this, first, second, between) ||
                                   (!int8 && lower_chunked_pair(*this, first, second, between))
                             : lower_power_mean(*this, first, second, between);
  if (!lowered) return false;
  --input.uses;
  value(first.outputs[0]).uses = 0;
  for (const GraphNode* node : {&first, &second})
    for (size_t i = 1; i < node->inputs.size(); ++i)
      if (!node->inputs[i].empty()) --value(node->inputs[i]).uses;
  return true;
}

// Computes the outputs now; false where the operator refuses.
bool PlanBuilder::lower_constant(const GraphNode& node) {
  std::vector<Tensor> held;
  held.reserve(node.inputs.size());
  std::vector<const Tensor*> inputs;
  for (const std::string& input : node.inputs) {
    if (!input.empty()) held.push_back(stand_in(value(input)));
    inputs.push_back(input.empty() ? nullptr : &held.back());
  }
  std::vector<Tensor> results;
  try {
    HeapAllocator allocator(graph_.max_tensor_elements);
    results = run_graph_node(graph_, node, inputs, allocator);
  } catch (const Error&) {
    return false;
  }
  for (size_t k = 0; k < node.outputs.size(); ++k) {
    if (node.outputs[k].empty()) continue;
    PlanValue& output = values_[node.outputs[k]];
    output.kind = Kind::kConstant;
    output.constant = results[k];
  }
  return true;
}

// The constant, or zeros of the value's shape. The kernel gives large zeroed memory page by page
// when it is touched, and nothing touches it.
Tensor PlanBuilder::stand_in(const PlanValue& value) {
  if (value.kind == Kind::kConstant) return value.constant;
  const size_t bytes = element_count(value.shape) * element_size(value.dtype);
  const std::shared_ptr<void> zeros(std::calloc(bytes + 64, 1), std::free);
  if (zeros == nullptr) throw std::bad_alloc();
  return Tensor::view(value.dtype, value.shape, zeros);
}

std::optional<std::vector<InferredOutput>> PlanBuilder::infer(const GraphNode& node) {
  const std::vector<std::string> names = node.post_ops.empty() ? node.inputs : base_inputs(node);
  std::vector<Tensor> held;
  held.reserve(names.size());
  std::vector<const Tensor*> inputs;
  for (const std::string& input : names) {
    if (!input.empty()) held.push_back(stand_in(value(input)));
    inputs.push_back(input.empty() ? nullptr : &held.back());
  }
  auto outputs = infer_outputs(graph_, node, inputs);
  const Grid* const grid = node.final_grid();
  if (outputs && grid != nullptr) (*outputs)[0].dtype = grid->type;
  return outputs;
}

// Reshape and the like: another shape for the same bytes.
bool PlanBuilder::lower_view(const GraphNode& node, const std::vector<InferredOutput>& outputs) {
  const OpInfo* op = find_op(node.op_type);
  if (op == nullptr || !op->shares_input || node.outputs.size() != 1) return false;
  const PlanValue& input = value(node.inputs[0]);
  const InferredOutput& output = outputs[0];
  if (input.kind != Kind::kPlanned || input.dtype != output.dtype ||
      element_count(input.shape) != element_count(output.shape))
    return false;
  if (input.shape == output.shape) {
    if (input.scaling) compute_scaling(node.inputs[0]);
    const Placement placement = input.placements[0];
    define(node.outputs[0], output.dtype, output.shape, placement);
    return true;
  }
  const bool dnnl = output.dtype == DType::kF32 && fits_dnnl(output.shape);
  const BufferId buffer = plain(node.inputs[0]);
  define(node.outputs[0], output.dtype, output.shape,
         {dnnl ? plain_layout(output.shape) : Layout(), buffer});
  return true;
}

// A fused node as the nodes that it was made of.
void PlanBuilder::lower_chain(const GraphNode& node) {
  GraphNode base = node;
  base.post_ops.clear();
  base.inputs = base_inputs(base);
  for (const std::string& input : base.inputs)
    if (!input.empty()) ++value(input).uses;  // lower() takes them away again
  base.outputs = {temporary(node.outputs[0])};
  expect_use(base.outputs[0]);
  lower(base);
  std::string last = base.outputs[0];
  for (size_t k = 0; k < node.post_ops.size(); ++k) {
    const PostOp& post_op = node.post_ops[k];
    const bool final = k + 1 == node.post_ops.size();
    const std::string next = final ? node.outputs[0] : temporary(node.outputs[0]);
    if (!final) expect_use(next);
    if (post_op.kind == PostOp::Kind::kActivation) {
      --value(last).uses;
      add_activation(last, next, post_op);
    } else {
      GraphNode other;
      other.op_type = op_type_of(post_op);
      other.name = node.name;
      other.inputs = {last, node.inputs[post_op.operand]};
      other.outputs = {next};
      ++value(other.inputs[1]).uses;
      lower(other);
    }
    last = next;
  }
}

// The node up to a quantisation at its end, and that as a node of its own.
std::optional<std::pair<GraphNode, GraphNode>> PlanBuilder::without_quantisation(
    const GraphNode& node) {
  if (node.final_grid() == nullptr) return std::nullopt;
  GraphNode base = node;
  const PostOp last = base.post_ops.back();
  base.post_ops.pop_back();
  base.inputs.resize(last.operand);
  if (base.post_ops.empty()) base.inputs = base_inputs(base);
  base.outputs = {temporary(node.outputs[0])};
  GraphNode quantise;
  quantise.op_type = op_type_of(last);
  quantise.name = node.name;
  quantise.inputs = {base.outputs[0], node.inputs[last.operand], node.inputs[last.operand + 1]};
  quantise.outputs = node.outputs;
  return std::pair{std::move(base), std::move(quantise)};
}

std::vector<StepInput> PlanBuilder::step_inputs(const GraphNode& node) {
  std::vector<StepInput> inputs;
  for (const std::string& name : node.inputs) {
    StepInput input;
    if (!name.empty()) {
      const PlanValue& found = value(name);
      input.name = name;
      input.dtype = found.dtype;
      input.shape = found.shape;
      input.constant = found.constant;
      input.kind = found.kind == Kind::kConstant  ? StepInput::Kind::kConstant
                   : found.kind == Kind::kPlanned ? StepInput::Kind::kPlanned
                                                  : StepInput::Kind::kDynamic;
      if (found.kind == Kind::kPlanned) input.buffer = plain(name);
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

void PlanBuilder::lower_generic(const GraphNode& node, const std::vector<InferredOutput>& outputs) {
  std::vector<StepInput> inputs = step_inputs(node);
  std::vector<StepOutput> made(node.outputs.size());
  for (size_t k = 0; k < made.size(); ++k) {
    if (node.outputs[k].empty()) continue;
    const InferredOutput& output = outputs[k];
    const size_t bytes = element_count(output.shape) * element_size(output.dtype);
    made[k] = {true, output.dtype, output.shape, new_buffer(bytes)};
    const bool dnnl = output.dtype == DType::kF32 && fits_dnnl(output.shape);
    define(node.outputs[k], output.dtype, output.shape,
           {dnnl ? plain_layout(output.shape) : Layout(), made[k].buffer});
  }
  add_step(std::make_unique<GenericStep>(graph_, node, std::move(inputs), std::move(made)));
}

void PlanBuilder::lower_dynamic(const GraphNode& node) {
  auto step = std::make_unique<DynamicStep>(graph_, node, step_inputs(node));
  for (const std::string& output : node.outputs)
    if (!output.empty()) values_[output].kind = Kind::kDynamic;
  for (const std::string& input : node.inputs)
    if (!input.empty() && value(input).kind == Kind::kDynamic && value(input).uses == 0)
      step->last_uses.push_back(input);
  add_step(std::move(step));
}

bool PlanBuilder::finish_output(const std::string& name, size_t index) {
  if (value(name).kind != Kind::kPlanned) return false;
  BufferId buffer = plain(name);
  const PlanValue& output = value(name);
  const size_t bytes = element_count(output.shape) * element_size(output.dtype);
  if (buffers[buffer].kind != Buffer::Kind::kArena || buffers[buffer].bytes != bytes) {
    GraphNode copy;
    copy.op_type = "Identity";
    copy.inputs = {name};
    copy.outputs = {temporary(name)};
    lower_generic(copy, {{output.dtype, output.shape}});
    buffer = value(copy.outputs[0]).placements[0].buffer;
  }
  buffers[buffer].kind = Buffer::Kind::kOutput;
  buffers[buffer].index = index;
  return true;
}

}  // namespace cairn::engine
